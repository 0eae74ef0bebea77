"""Owns what the page tests share: browsers (cookies, forms with their token), signed in as two accounts."""

import re
from html.parser import HTMLParser

import pytest

from booper import settings as booper_settings
from models import accounts, clock
from tests.support.apps import app_of

TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


class Browser:
    """Flask's test client with its cookies; `send` posts a form as a person would, token and all."""

    def __init__(self, app):
        self.client = app.test_client()

    def get(self, path, **options):
        return self.client.get(path, **options)

    def token(self):
        """The token that the site puts into this browser's forms."""
        return TOKEN.search(self.get("/sign-in").text)[1]

    def send(self, path, token=None, **fields):
        return self.client.post(path, data={"csrf": self.token() if token is None else token, **fields})

    def sign_in(self, secret, **fields):
        return self.send("/sign-in", key=secret, **fields)


class Markup(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


@pytest.fixture
def app(db):
    return app_of(booper_settings.load({}))


def signed_in(app, name):
    browser = Browser(app)
    account = accounts.account_named(name, clock.now())
    key, secret = accounts.create_key(account, "test", clock.now())
    browser.account, browser.key, browser.secret = account, key, secret
    assert browser.sign_in(secret).status_code == 303
    return browser


@pytest.fixture
def nobody(app):
    """A browser that is not signed in."""
    return Browser(app)


@pytest.fixture
def alice(app):
    return signed_in(app, "alice")


@pytest.fixture
def bob(app):
    return signed_in(app, "bob")
