"""A person before the dashboard in a browser."""

import pytest

from tests.support.journeys.product import DEMO_KEY

LIMIT_MS = 60_000
in_both_browsers = pytest.mark.parametrize("browser", ["chromium", "firefox"], indirect=True)


class Reader:
    """A person before the dashboard: a page, what it requested, and what its console said."""

    def __init__(self, context, base):
        self.base = base
        self.requested, self.complaints = [], []
        self.page = context.new_page()
        self.page.set_default_timeout(LIMIT_MS)
        self.page.on("request", lambda request: self.requested.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else 0)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def go(self, path):
        return self.page.goto(self.base + path)

    def sign_in(self, key=DEMO_KEY):
        self.go("/sign-in")
        self.page.get_by_label("API key").fill(key)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.wait_for_url(f"{self.base}/")

    def check(self):
        strangers = {url for url in self.requested if not url.startswith((f"{self.base}/", "data:", "about:"))}
        assert strangers == set()
        assert self.complaints == []
