"""What the browser tests start from: the embedded product as a process, a receiver, and Chromium, signed in. Some of
them (`in_both_browsers`) run in Firefox too.

Chromium is Debian's package `chromium`; nothing is downloaded. Where it is missing these tests are skipped with a
reason, but never where BOOPER_TEST_REQUIRE_CHROMIUM says that it must be there. Firefox is Debian's `firefox-esr`,
driven by WebDriver BiDi; its tests run by `make firefox`. Whatever a page asked another host for,
and whatever it complained of on its console, fails the test that opened it.
"""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.support.journeys.processes import ReceiverProcess
from tests.support.journeys.product import Embedded
from tests.support.readers import LIMIT_MS, Reader

SHIM = Path(__file__).parents[1] / "support" / "stock_firefox.cjs"
CHROMIUM = os.environ.get("BOOPER_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FIREFOX = os.environ.get("BOOPER_TEST_FIREFOX")


@pytest.fixture(scope="session")
def playwright():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NODE_OPTIONS", f"--require {SHIM}")
        with sync_playwright() as started:
            yield started


@pytest.fixture(scope="session")
def chromium(request):
    if not CHROMIUM:
        reason = "Chromium is not installed: apt-get install chromium, or name it in BOOPER_TEST_CHROMIUM"
        if os.environ.get("BOOPER_TEST_REQUIRE_CHROMIUM"):
            pytest.fail(reason)
        pytest.skip(reason)
    expect.set_options(timeout=LIMIT_MS)
    launch = request.getfixturevalue("playwright").chromium.launch
    browser = launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def firefox(request):
    if not FIREFOX:
        pytest.skip("only where BOOPER_TEST_FIREFOX names Firefox, as `make firefox` does")
    launch = request.getfixturevalue("playwright").firefox.launch
    browser = launch(channel="moz-firefox", executable_path=FIREFOX)
    yield browser
    browser.close()


@pytest.fixture
def browser(request):
    """Chromium, or the one that the test names."""
    return request.getfixturevalue(getattr(request, "param", "chromium"))


@pytest.fixture(scope="module")
def product(tmp_path_factory, chromium):
    with Embedded(tmp_path_factory.mktemp("browser")) as product:
        yield product


@pytest.fixture(scope="module")
def receiver(tmp_path_factory, chromium):
    with ReceiverProcess(tmp_path_factory.mktemp("receiver")) as receiver:
        yield receiver


@pytest.fixture
def open_reader(browser, product):
    """Opens readers in contexts of their own; checks what each asked for and complained of at the end."""
    opened = []

    def open_one(**options):
        context = browser.new_context(**options)
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
    reader = open_reader(locale="en-GB", timezone_id="Europe/Berlin")
    reader.sign_in()
    return reader
