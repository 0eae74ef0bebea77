"""What the browser tests start from: the embedded product as a process, a receiver, and Chromium, signed in.

Chromium is Debian's package `chromium`; nothing is downloaded. Where it is missing these tests are skipped with a
reason, but never where BOOPER_TEST_REQUIRE_CHROMIUM says that it must be there. Whatever a page asked another host for,
and whatever it complained of on its console, fails the test that opened it.
"""

import os
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.support.journeys.processes import ReceiverProcess
from tests.support.journeys.product import DEMO_KEY, Embedded

CHROMIUM = os.environ.get("BOOPER_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
LIMIT_MS = 15_000


@pytest.fixture(scope="session")
def chromium():
    if not CHROMIUM:
        reason = "Chromium is not installed: apt-get install chromium, or name it in BOOPER_TEST_CHROMIUM"
        if os.environ.get("BOOPER_TEST_REQUIRE_CHROMIUM"):
            pytest.fail(reason)
        pytest.skip(reason)
    expect.set_options(timeout=LIMIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def product(tmp_path_factory, chromium):
    with Embedded(tmp_path_factory.mktemp("browser")) as product:
        yield product


@pytest.fixture(scope="module")
def receiver(tmp_path_factory, chromium):
    with ReceiverProcess(tmp_path_factory.mktemp("receiver")) as receiver:
        yield receiver


class Reader:
    """A person before the dashboard: a page, what it asked for, and what its console said."""

    def __init__(self, context, base):
        self.base = base
        self.asked, self.complaints = [], []
        self.page = context.new_page()
        self.page.set_default_timeout(LIMIT_MS)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else 0)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def go(self, path):
        return self.page.goto(self.base + path)

    def sign_in(self, key=DEMO_KEY):
        self.go("/sign-in")
        self.page.get_by_label("API key").fill(key)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self.base}/")

    def check(self):
        strangers = {url for url in self.asked if not url.startswith((f"{self.base}/", "data:", "about:"))}
        assert strangers == set()
        assert self.complaints == []


@pytest.fixture
def open_reader(chromium, product):
    """Opens readers in contexts of their own; checks what each asked for and complained of at the end."""
    opened = []

    def open_one(**options):
        context = chromium.new_context(**options)
        reader = Reader(context, f"http://127.0.0.1:{product.port}")
        opened.append((context, reader))
        return reader

    yield open_one
    for context, reader in opened:
        context.close()
        reader.check()


@pytest.fixture
def reader(open_reader):
    """Signed in with the demo key."""
    one = open_reader(locale="en-GB", timezone_id="Europe/Berlin")
    one.sign_in()
    return one
