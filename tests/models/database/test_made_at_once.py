"""What several processes make at the same moment exists once, and all of them get it."""

import uuid

import psycopg
import pytest

from models.accounts import account_store, session_store
from models.accounts.account_tables import Account, ApiKey
from models.database import schema
from models.database.connection import close_all, open_database
from models.database.sql import fetch
from models.rules import clock
from models.webhooks import channels
from tests.support.races import at_once
from tests.support.services import POSTGRES_URL, unavailable


def test_an_account_of_one_name_is_made_once(db):
    made = at_once(*[lambda: account_store.account_named("alice", clock.now())] * 8)
    assert {account.id for account in made} == {Account.get().id}
    assert Account.select().count() == 1


def test_the_secret_of_the_cookies_is_the_same_for_all(db):
    made = at_once(*[session_store.session_secret] * 8)
    assert set(made) == {session_store.session_secret()}
    assert len(made[0]) > 40


def test_the_demo_key_is_made_once(db):
    made = at_once(*[lambda: account_store.ensure_demo_key("sk_demo_12345", clock.now())] * 8)
    assert made == [None] * 8
    assert ApiKey.select().count() == 1


def test_a_channel_set_twice_at_once_is_set_to_one_of_both(account):
    urls = [f"https://{name}.example/" for name in "abcdefgh"]
    at_once(*[lambda url=url: channels.configure(account.id, "slack", url, clock.now()) for url in urls])
    [(url,)] = fetch("SELECT url FROM channel")
    assert url in urls


@pytest.fixture(params=["sqlite", "postgresql"])
def without_tables(request, tmp_path):
    """A database in which nothing was made yet."""
    if request.param == "sqlite":
        open_database(f"sqlite:///{tmp_path}/new.db")
        yield
        close_all()
        return
    name = f"booper_test_{uuid.uuid4().hex[:12]}"
    try:
        admin = psycopg.connect(POSTGRES_URL, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        unavailable("PostgreSQL", error)
    with admin:
        admin.execute(f"CREATE DATABASE {name}")
        open_database(POSTGRES_URL.rsplit("/", 1)[0] + f"/{name}")
        yield
        close_all()
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_each_migration_is_applied_once(without_tables):
    pending = schema.pending()
    assert sorted(at_once(*[schema.migrate] * 4)) == [[], [], [], pending]
    assert schema.pending() == []
