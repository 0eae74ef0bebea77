"""Browsers of the dashboard for tests in one process: cookies, forms with their token, and what a page is made of."""

import re
from functools import lru_cache
from html.parser import HTMLParser

from flask import Response
from werkzeug.http import parse_cookie

from api.dashboard import sessions
from models.accounts import account_store
from models.rules import clock
from models.schedules.schedule_tables import Schedule

TOKEN = re.compile(r'name="csrf" value="([^"]+)"')
URL = "https://example.com/hook"
PLAIN_TAG = re.compile(
    r"""</[a-zA-Z]+[0-9]?>|<!doctype html>|<[a-zA-Z]+[0-9]?(?:\s+[a-zA-Z][a-zA-Z0-9-]*(?:="[^"]*"|='[^']*')?)*\s*/?>"""
)
HIDING = re.compile("<(?:script|style)[^>]*>(?!</)", re.IGNORECASE)  # what is in these is no markup


class Browser:
    """Flask's test client with its cookies; `send` posts a form as a person would, token and all."""

    def __init__(self, app):
        self.client = app.test_client()
        self._known = None, ""  # a session and its token, which are the same until the browser signs in or out

    def get(self, path, **options):
        return self.client.get(path, **options)

    def token(self):
        """The token that the site puts into this browser's forms."""
        return TOKEN.search(self.get("/sign-in").text)[1]

    def send(self, path, token=None, /, **fields):
        return self.client.post(path, data={"csrf": self._known_token() if token is None else token, **fields})

    def _known_token(self):
        session = self.client.get_cookie(sessions.COOKIE)
        if session is None or session.value != self._known[0]:
            token = self.token()
            self._known = self.client.get_cookie(sessions.COOKIE).value, token
        return self._known[1]

    def begin(self, session):
        """Take this session's cookie, as if it had signed in: that takes longer than most tests."""
        response = Response()
        with self.client.application.test_request_context():
            sessions.write(response, session)
        self.client.set_cookie(sessions.COOKIE, parse_cookie(response.headers["Set-Cookie"])[sessions.COOKIE])
        self._known = self.client.get_cookie(sessions.COOKIE).value, session.token

    def sign_in(self, secret, **fields):
        return self.send("/sign-in", key=secret, **fields)


class Markup:
    """Every tag of a page with its attributes.

    Pages have most of their tags in common, and to read all of a page takes as long as to make it: where each `<`
    begins a tag in its plainest form, each spelling of a tag is read once."""

    def __init__(self, text):
        spelled = _spelled_plainly(text)
        if spelled is None:
            self.tags = _Tags(text).tags
        else:
            self.tags = [(tag, dict(attributes)) for tag, attributes in map(_read_tag, spelled)]


class _Tags(HTMLParser):
    """The tags of any text."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def updatepos(self, _, end):
        """Count no lines: nobody asks where a tag stands."""
        return end


def _spelled_plainly(text):
    """The spellings of the tags that begin an element; None if something else begins with `<`, or may hold one."""
    if HIDING.search(text):
        return None
    spelled = PLAIN_TAG.findall(text)
    if text.count("<") != sum(each.count("<") for each in spelled):
        return None
    return [each for each in spelled if each[1] not in "/!"]


@lru_cache(maxsize=50_000)
def _read_tag(spelled):
    [read] = _Tags(spelled).tags
    return read


@lru_cache(maxsize=8)
def tags_of(text):
    """The tags of a page, read once: a walk asks for them again and again. Not to be changed."""
    return Markup(text).tags


def signed_in(app, name):
    browser = Browser(app)
    account = account_store.account_named(name, clock.now())
    key, secret = account_store.create_key(account, "test", clock.now())
    browser.account, browser.key, browser.secret = account, key, secret
    browser.begin(sessions.fresh(str(key.uuid)))
    return browser


def submit_schedule(browser, **fields):
    """The schedule that the form makes."""
    answer = browser.send("/jobs/new", **{"method": "POST", "url": URL, "when": "cron", "cron": "0 9 * * *", **fields})
    assert answer.status_code == 303, answer.text
    return Schedule.get(Schedule.id == answer.location.split("/schedules/")[1].split("?")[0])
