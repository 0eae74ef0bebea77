"""Connections to PostgreSQL: what they ask for, their limits on both ends, and databases that are refused."""

import contextlib
import uuid
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from models.database import postgres, schema
from models.database.connection import Unreachable, close_all, database, open_database, without_limits
from models.database.postgres import OF_REQUESTS, OF_WORK, Limits, Silent, is_silent
from models.database.sql import fetch
from models.database.transactions import transaction
from tests.support.databases import end_abandoned_transactions, own_database
from tests.support.services import POSTGRES_URL
from tests.support.stalling_proxy import StallingProxy

SHORT = Limits(connect_s=2, reply_s=1.0, statement="6s", lock="5s")


@pytest.fixture(autouse=True)
def _none_left_open(postgres_url):
    yield
    end_abandoned_transactions(postgres_url)


@pytest.fixture
def proxy(postgres_url):
    with StallingProxy(int(conninfo_to_dict(postgres_url).get("port", 5432))) as proxy:
        yield proxy


@pytest.fixture
def opened(proxy, postgres_url):
    """The database through the proxy, with short limits."""
    open_database(proxy.url(postgres_url), limits=SHORT)
    yield proxy
    close_all()


def setting(connection, name):
    return connection.execute(f"SHOW {name}").fetchone()[0]


@pytest.mark.parametrize("limits", [OF_REQUESTS, OF_WORK])
def test_the_server_ends_a_statement_a_little_before_we_give_it_up(postgres_url, limits):
    with postgres.connect(postgres_url, limits) as connection:
        assert setting(connection, "statement_timeout") == limits.statement
        assert setting(connection, "lock_timeout") == limits.lock
        assert connection.reply_s == limits.reply_s


def test_o3_a_request_waits_less_than_ten_seconds_for_connection_limits_and_statement():
    assert 2 * OF_REQUESTS.connect_s + OF_REQUESTS.reply_s < 10


def test_o3_a_statement_without_an_answer_ends_with_its_connection(opened):
    fetch("SELECT 1")
    with opened.silent(), pytest.raises(Unreachable, match="silent: no answer within 1.0 s"):
        fetch("SELECT 1")
    assert not database.is_connection_usable()


def transaction_cut_before_its_commit(opened):
    with transaction():
        fetch("SELECT 1")
        opened.silence()


def test_a_transaction_whose_commit_is_not_answered_ends_too(opened):
    with pytest.raises(Unreachable, match="silent: no answer within 1.0 s") as raised:
        transaction_cut_before_its_commit(opened)
    assert is_silent(raised.value)
    opened.speak()
    close_all()
    assert fetch("SELECT 1") == [(1,)]


def transaction_cut_before_its_statement(opened):
    with transaction():
        opened.drop()
        fetch("SELECT 1")


def test_what_ended_a_transaction_is_told_when_its_connection_is_gone(opened):
    with pytest.raises(Unreachable, match="server closed the connection"):
        transaction_cut_before_its_statement(opened)


def test_a_connection_that_is_not_answered_is_given_up(proxy, postgres_url):
    with proxy.silent(), pytest.raises(psycopg.OperationalError):
        postgres.connect(proxy.url(postgres_url), SHORT)


def test_an_error_of_the_server_is_not_taken_for_silence(postgres_url):
    with postgres.connect(postgres_url, SHORT) as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("SELECT 1 / 0")
        with pytest.raises(psycopg.OperationalError) as caught:
            connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert not isinstance(caught.value, Silent)


def test_c12_a_migration_takes_as_long_as_it_takes(opened):
    with transaction(), without_limits():
        assert [fetch(f"SHOW {name}") for name in ("statement_timeout", "lock_timeout")] == [[("0",)]] * 2
        assert fetch("SELECT 1 FROM pg_sleep(1.2)") == [(1,)]  # longer than the limit

    assert fetch("SHOW statement_timeout") == [("6s",)]
    with pytest.raises(Unreachable):
        fetch("SELECT pg_sleep(2)")


def test_o6_what_the_url_asks_for_is_kept(postgres_url):
    url = (
        f"{postgres_url}?options=-c%20search_path%3Dmine&application_name=theirs&connect_timeout=3"
        "&keepalives_idle=7&tcp_user_timeout=4000&client_encoding=latin1"
    )
    with postgres.connect(url, OF_WORK) as connection:
        kept = connection.info.get_parameters()
        assert setting(connection, "search_path") == "mine"
        assert setting(connection, "statement_timeout") == OF_WORK.statement

    names = ("application_name", "connect_timeout", "keepalives_idle", "tcp_user_timeout", "client_encoding")
    assert [kept[name] for name in names] == ["theirs", "3", "7", "4000", "UTF8"]


@pytest.mark.parametrize("endless", ["0", "-1"])
def test_a_url_can_not_make_us_wait_for_a_connection_for_ever(postgres_url, endless):
    assert postgres.parameters(f"{postgres_url}?connect_timeout={endless}", OF_WORK, "b")["connect_timeout"] == 5


def test_o2_nothing_is_asked_for_at_the_start_that_pgbouncer_refuses(postgres_url):
    """It takes no `options` and no name it does not know."""
    sent = set(postgres.parameters(postgres_url, OF_WORK, "booper"))
    kept_by_libpq = {
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
        "connect_timeout",
    }
    assert sent - kept_by_libpq == {"application_name", "client_encoding"}


@contextlib.contextmanager
def database_of(encoding):
    name = f"booper_test_encoding_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(POSTGRES_URL, autocommit=True, connect_timeout=5) as session:
        session.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
        try:
            yield POSTGRES_URL.rpartition("/")[0] + f"/{name}"
        finally:
            session.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_o13_a_database_that_can_not_keep_every_text_is_refused_in_words(postgres_url, encoding):
    with database_of(encoding) as url:
        open_database(url)
        with pytest.raises(Unreachable, match=f"encoding must be UTF8, got {encoding}.*ENCODING 'UTF8'"):
            schema.migrate()
        close_all()


def test_o13_a_database_that_prefers_another_encoding_still_takes_every_letter(postgres_url):
    with own_database() as url:
        with psycopg.connect(url, autocommit=True) as session:
            session.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET client_encoding = 'LATIN1'")
        with postgres.connect(url, OF_WORK) as connection:
            assert connection.execute("SELECT %s", ("Zoë Ж 猫",)).fetchone() == ("Zoë Ж 猫",)


class Pooler:
    """Answers like a session whose settings are those of another server connection."""

    def execute(self, sql):
        self.sql = sql
        return self

    def fetchone(self):
        return ("UTF8", "20s", "0", "0")


def test_o2_a_pooler_that_loses_the_limits_is_refused():
    with pytest.raises(psycopg.OperationalError, match="must pool by session"):
        postgres.set_limits(Pooler(), OF_WORK)


VALUES = {
    "uuid": "01a22716-04db-7f5c-ada5-a4c781dc91ff",
    "bytea": bytes(range(256)),
    "text": "\u00e4\u2028",
    "bigint": -(2**62),
    "int": 7,
    "float8": 0.1,
    "boolean": True,
    "numeric": Decimal("12.50"),
    "bigint[]": [1, None],
    "text[]": ["a", ""],
    "timestamptz": datetime(2026, 11, 29, tzinfo=UTC),
}


@pytest.mark.parametrize("sql_type", VALUES)
def test_a_value_is_read_alike_in_binary_form_and_as_text(postgres_url, sql_type):
    with postgres.connect(postgres_url, OF_WORK) as connection:
        binary = connection.execute(f"SELECT CAST(%s AS {sql_type})", (VALUES[sql_type],))
        text = connection.execute(f"SELECT CAST({sql.Literal(VALUES[sql_type]).as_string()} AS {sql_type})")

        assert (binary.pgresult.fformat(0), text.pgresult.fformat(0)) == (1, 0)
        assert binary.fetchone() == text.fetchone() == (VALUES[sql_type],)


def test_a_text_without_parameters_may_hold_several_statements(postgres_url):
    with postgres.connect(postgres_url, OF_WORK) as connection:
        connection.execute("SET statement_timeout = 0; SET lock_timeout = 0")
