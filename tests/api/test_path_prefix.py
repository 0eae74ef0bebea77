"""Below the path of a proxy, every address that Booper gives stays below it."""

import re
from urllib.parse import unquote

import pytest

from models.accounts import account_store
from models.jobs import records
from models.rules import clock
from runtime import settings as booper_settings
from tests.support.api_client import ApiClient
from tests.support.apps import app_of
from tests.support.browsers import Browser, Markup
from tests.support.log_rows import insert_log_rows

PREFIX = "/booper"
ADDRESSES = ("href", "src", "action", "formaction", "data-tail", "data-preview", "data-whole")
ADDRESSES += ("data-retries", "data-commands", "data-badge")
PAGES = ["/", "/jobs", "/jobs/new", "/schedules", "/logs", "/keys", "/endpoints", "/channels"]


@pytest.fixture
def app(db):
    return app_of(booper_settings.load({"BOOPER_PATH_PREFIX": PREFIX}))


@pytest.fixture
def browser(app, account):
    browser = Browser(app)
    browser.secret = account_store.create_key(account, "test", clock.now())[1]
    return browser


@pytest.mark.parametrize("removed", [True, False])
def test_a11_a_page_names_the_next_one_below_the_path(client, removed):
    """Whether or not the proxy removes the path from requests."""
    path = "/api/jobs" if removed else f"{PREFIX}/api/jobs"
    for _ in range(2):
        client.created()

    first = client.get(f"{path}?limit=1")

    assert first.headers["Link"].startswith(f"<{PREFIX}/api/jobs?")
    assert len(client.get(first.headers["Link"].split(">")[0][1:]).json["data"]) == 1


def test_a11_signing_in_stays_below_the_path(browser):
    refused = browser.get("/jobs?state=completed")
    assert unquote(refused.location) == f"{PREFIX}/sign-in?next={PREFIX}/jobs?state=completed"

    for wish, place in [
        (f"{PREFIX}/jobs", f"{PREFIX}/jobs"),
        ("/jobs", f"{PREFIX}/"),
        ("//evil.example", f"{PREFIX}/"),
    ]:
        assert browser.sign_in(browser.secret, next=wish).location == place


def test_every_address_on_a_page_is_below_the_path(browser, account):
    browser.sign_in(browser.secret)
    insert_log_rows([records.log_row(account.id, 1, None, "worker.http.request", {"url": "x"}, clock.now())])

    for page in PAGES:
        tags = Markup(browser.get(page).text).tags
        addresses = [
            value
            for _, attributes in tags
            for name, value in attributes.items()
            if name in ADDRESSES and value.startswith("/")
        ]
        assert addresses
        assert [address for address in addresses if not address.startswith(f"{PREFIX}/")] == []


def test_a_tail_links_below_the_path(browser, account):
    browser.sign_in(browser.secret)
    insert_log_rows([records.log_row(account.id, 1, None, "worker.http.request", {"url": "x"}, clock.now())])

    with browser.client.get("/logs/stream", buffered=False) as answer:
        parts = iter(answer.response)
        text = b"".join(next(parts) for _ in range(2)).decode()

    assert set(re.findall(r'href=\\"(/[a-z]+)', text)) == {PREFIX}


def test_the_document_names_the_server_below_the_path(app):
    document = ApiClient(app).get(f"{PREFIX}/api/openapi.json").json

    assert [server["url"] for server in document["servers"]] == [PREFIX]


def test_a_path_that_only_begins_like_it_is_left_alone(client):
    assert client.get(f"{PREFIX}s/api/ping").status_code == 404
    assert client.get("/api/ping").status_code == 200
