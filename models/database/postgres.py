"""Opens connections to PostgreSQL: with limits on both ends, in UTF-8, and checked before they are used.

A statement has a limit in the server, which ends it in order, and a slightly longer one here, which ends the
connection: a server that is cut off, frozen or behind a silent proxy enforces nothing. The server's limits are set
after connecting, since PgBouncer takes no `options` at the start of a connection.
"""

from typing import Any, NamedTuple, Self

import psycopg
from psycopg import adapters, conninfo
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader
from psycopg.pq import Format, TransactionStatus
from psycopg.types.string import TextLoader

from models.database.binary_arrays import BinaryArray, BinaryArrayDumper
from models.database.ids import with_dashes

# Both ends notice within seconds that their peer has vanished without a word.
DEAD_PEER = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
DEAD_PEER_IN_SERVER = {"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3"}
# A process that is frozen inside a transaction holds its locks no longer than this.
IDLE_IN_TRANSACTION = {"idle_in_transaction_session_timeout": "20s"}


class Limits(NamedTuple):
    """How long a process waits, in seconds: for a connection, and for the answer to a statement.

    `statement` and `lock` are the server's own limits, as texts in its form.
    """

    connect_s: int
    reply_s: float
    statement: str
    lock: str


# A request opens a connection, waits for one of another thread, and then for a statement: less than ten seconds.
OF_REQUESTS = Limits(connect_s=2, reply_s=5.5, statement="5s", lock="4s")
OF_WORK = Limits(connect_s=5, reply_s=10.0, statement="9s", lock="8s")


NO_CERTIFICATE = "it asks for a certificate: add &sslcert=FILE&sslkey=FILE to BOOPER_DATABASE_URL"
# What libpq says where TLS fails, and what to do about it.
TLS_ADVICE = {
    "certificate verify failed": (  # libpq does not say why
        "the CA of its certificate is not in the file of sslrootcert: name it in BOOPER_DATABASE_URL, "
        "…?sslmode=verify-full&sslrootcert=FILE; or its certificate has expired: "
        "`openssl s_client -starttls postgres -connect HOST:PORT` shows until when it is valid"
    ),
    "alert certificate expired": "the certificate of sslcert in BOOPER_DATABASE_URL has expired: renew it",
    "does not match host name": (
        "its certificate is for another name: use that name in BOOPER_DATABASE_URL, or renew the certificate"
    ),
    "requires a valid client certificate": NO_CERTIFICATE,
    "certificate required": NO_CERTIFICATE,
    "does not support SSL": "set ssl=on in the server, or lower sslmode in BOOPER_DATABASE_URL",
}


class UuidLoader(Loader):
    """Reads a binary UUID as its text, as it is on SQLite."""

    format = Format.BINARY

    def load(self, data: Buffer) -> str:
        return with_dashes(bytes(data).hex())


# How values are written and read: arrays are encoded by us, and a UUID is its text.
ADAPTERS = AdaptersMap(adapters)
ADAPTERS.register_dumper(BinaryArray, BinaryArrayDumper)
ADAPTERS.register_loader("uuid", TextLoader)
ADAPTERS.register_loader("uuid", UuidLoader)


class Cursor(psycopg.Cursor[Any]):
    """Has the results of a statement with parameters sent in binary form: as text a body is twice as long, and takes
    far longer to read. A text without parameters may hold several statements; those can have no binary results."""

    def execute(
        self, query: Any, params: Any = None, *, prepare: bool | None = None, binary: bool | None = None
    ) -> Self:
        return super().execute(query, params, prepare=prepare, binary=bool(params) if binary is None else binary)


class Silent(psycopg.OperationalError):
    """The database gave no answer in time; nobody knows what it did."""


def is_silent(error: BaseException | None) -> bool:
    """Whether this is `Silent`, or peewee's error for it."""
    return error is not None and any(isinstance(each, Silent) for each in (error, error.__cause__, error.__context__))


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that waits at most `reply_s` for each answer (None: without limit), and is closed afterwards."""

    reply_s: float | None = None
    sound_at_s = 0.0  # when it was last known to work

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            return super().wait(gen, interval, timeout or self.reply_s)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise
        self.pgconn.finish()
        raise Silent(f"the database is silent: no answer within {timeout or self.reply_s} s")


def connect(url: str, limits: Limits, name: str = "booper") -> Connection:
    """A connection in autocommit mode. Raises psycopg.Error, for a database that can't be used too."""
    try:
        connection = Connection.connect(
            url, autocommit=True, context=ADAPTERS, cursor_factory=Cursor, **parameters(url, limits, name)
        )
    except psycopg.OperationalError as error:
        if advice := tls_advice(str(error)):
            raise psycopg.OperationalError(f"{str(error).strip()} ({advice})") from None
        raise
    try:
        connection.reply_s = limits.connect_s
        set_limits(connection, limits)
    except BaseException:
        connection.close()
        raise
    connection.reply_s = limits.reply_s
    return connection


def tls_advice(text: str) -> str:
    """What the operator can do about an error of TLS; empty for others."""
    return next((advice for mark, advice in TLS_ADVICE.items() if mark in text), "")


def parameters(url: str, limits: Limits, name: str) -> dict[str, Any]:
    """What a connection needs beside its URL. What the URL sets itself is left to it, except the encoding."""
    own = conninfo.conninfo_to_dict(url)
    if str(own.get("connect_timeout", "")).strip() in ("0", "-1"):  # without limit
        del own["connect_timeout"]
    ours = {**DEAD_PEER, "connect_timeout": limits.connect_s, "application_name": name}
    return {**{key: value for key, value in ours.items() if key not in own}, "client_encoding": "UTF8"}


def set_limits(connection: Connection, limits: Limits) -> None:
    """Set the server's limits for this session, and read back whether they are in force."""
    values = {**IDLE_IN_TRANSACTION, "statement_timeout": limits.statement, "lock_timeout": limits.lock}
    # Made of constants.
    calls = ", ".join(
        f"set_config('{name}', '{value}', false)" for name, value in (values | DEAD_PEER_IN_SERVER).items()
    )
    shown = ", ".join(f"current_setting('{name}')" for name in values)
    connection.execute(f"SELECT {calls}")
    row = connection.execute(f"SELECT current_setting('server_encoding'), {shown}").fetchone()
    assert row is not None
    if row[0] != "UTF8":
        raise psycopg.OperationalError(
            f"the database's encoding must be UTF8, got {row[0]}, which can't keep every text: make another database "
            "with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )
    if list(row[1:]) != list(values.values()):
        raise psycopg.OperationalError(
            f"the session must keep its limits on waiting ({', '.join(values)}), but has lost them: a pooler before "
            "PostgreSQL must pool by session (PgBouncer: pool_mode = session)"
        )
