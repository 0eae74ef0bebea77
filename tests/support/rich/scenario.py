"""Runs actions, each from the same state, and writes down what they returned and changed."""

import re
import zlib
from contextlib import contextmanager

from models.database import transactions
from models.database.connection import database, dialect
from tests.support import table_changes
from tests.support.clocks import START
from tests.support.kept_connection import kept_database
from tests.support.kept_file import kept_file
from tests.support.plain_lines import lines_of
from tests.support.rich import state
from tests.support.rich.names import ACCOUNT, BY_NUMBER, BY_UUID
from tests.support.rich.numbers import A_NUMBER, BASES, TABLES
from tests.support.rich.sources import fixed_sources

A_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
AN_INSTANT = re.compile(r"(?<![0-9.])1[0-9]{15}(?![0-9])")
LOCKING = re.compile(r"\s*(SELECT\b.*\bFOR (NO KEY UPDATE|UPDATE|KEY SHARE|SHARE)\b|SET LOCAL\b)", re.DOTALL)
LONG = 150
UNITS = (("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("us", 1))


OF_ALICE = {"account_id": ACCOUNT["alice"], "inserted_at": START}
USUAL = {  # of new rows; none of these may be null
    "job": OF_ALICE | {"scheduled_at": START, "state": "available"},
    "log_entry": OF_ALICE,
    "health_event": OF_ALICE | {"at": START},
    "firing": {"decided_at": START},
    "incident": OF_ALICE,
    "notification": {"inserted_at": START},
}


class Unheld(Exception):
    """A row is locked outside of a transaction."""


class Undone(Exception):
    """Ends the transaction of an action."""


@contextmanager
def scenario_on(kind, request):
    """The state on a database of this kind."""
    if kind == "sqlite":
        opened = kept_file(request.getfixturevalue("sqlite_file"), request.getfixturevalue("tmp_path_factory").mktemp)
    else:
        opened = kept_database(request.getfixturevalue("postgres_url"))
    with opened, fixed_sources() as sources:
        state.put()
        if kind == "postgresql":  # a machine that stands still for a while ends no action
            database.execute_sql("SET idle_in_transaction_session_timeout = 0")
        with Statements() as statements:
            yield Scenario(sources, statements)


class Statements:
    """Notes which tables are written, and in how many commits. A lock is let go at the end of its transaction, so
    outside of one it holds nothing."""

    def __init__(self):
        self.written, self._commits, self._transactions = set(), [], 0

    def __enter__(self):
        self._opened, self._execute = database.obj, database.obj.execute_sql
        self._run_transaction = transactions._run_after_commit
        self._opened.execute_sql, transactions._run_after_commit = self._noting, self._counting
        return self

    def __exit__(self, *_):
        del self._opened.execute_sql
        transactions._run_after_commit = self._run_transaction

    def begin(self):
        self.written.clear()
        self._commits.clear()

    def commits(self):
        """In how many commits the action wrote; nothing if in one."""
        count = len(set(self._commits) - {None}) + self._commits.count(None)
        return [f"writes in {count} commits"] if count > 1 else []

    def _noting(self, sql, params=None):
        if LOCKING.match(sql) and not transactions._after_commit.depth:
            raise Unheld(f"no transaction holds the lock of {sql}")
        if tables := table_changes.written_by(sql, BASES):
            self.written |= tables
            self._commits.append(self._transactions if transactions._after_commit.depth else None)
        return self._execute(sql, params)

    @contextmanager
    def _counting(self):
        self._transactions += not transactions._after_commit.depth
        with self._run_transaction():
            yield


class Scenario:
    """`clock`: an action may move it."""

    def __init__(self, sources, statements):
        self._sources, self._statements, self.clock = sources, statements, sources.clock
        self._before = table_changes.read(TABLES)

    def text_of(self, actions, bodies=False):
        """What came of each of the actions, by name. `bodies`: whether long bodies are shown, not only their sums: the
        same events follow from many actions."""
        texts = {name: shortened(self._lines_of(action), bodies) for name, action in actions.items()}
        return "\n".join("\n".join([f"== {name}", *lines, ""]) for name, lines in texts.items())

    def _lines_of(self, action):
        lines = []
        try:
            with database.atomic():
                self._begin()
                lines += self._outcome(action)
                raise Undone
        except Undone:
            return named(lines)

    def _begin(self):
        if self._statements.written and dialect() == "postgresql":  # what counts there is not undone
            state.count_anew()
        self._statements.begin()
        self._sources.restart()

    def _outcome(self, action):
        try:
            returned = lines_of(action())
        except (NameError, TypeError, AttributeError, Unheld):
            raise
        except Exception as error:  # noqa: BLE001 - what is raised is a part of the text
            return [f"raises {type(error).__name__} {error}".strip()]
        after = table_changes.read([table for table in TABLES if table._meta.table_name in self._statements.written])
        returned = [] if returned == ["null"] else returned
        return [*returned, *self._statements.commits(), *table_changes.changes(self._before, after, USUAL)]


def shortened(lines, bodies):
    """The lines without the long values that stand in a line before, and of long bodies their sums."""
    places, kept = {}, []
    for line in lines:
        name, _, value = line.partition(": ")
        if len(value) < LONG:
            kept.append(line)
        elif name.startswith("    body") and not bodies:
            kept.append(f"{name}: {len(value)} characters, sum {zlib.crc32(value.encode()):08x}")
        elif value in places:
            kept.append(f"{name}: the same as ({places[value]})")
        else:
            places[value] = len(places) + 1
            kept.append(f"{name} ({places[value]}): {value}")
    return kept


def named(lines):
    """The lines with names for integers and UUIDs, and with spans for instants."""
    names = _Names()
    text = A_UUID.sub(lambda match: names.of_uuid(match[0]), "\n".join(lines))
    text = A_NUMBER.sub(lambda match: names.of_number(match[0]), text)
    return AN_INSTANT.sub(lambda match: span(int(match[0])), text).split("\n")


class _Names:
    def __init__(self):
        self._fresh = {}

    def of_uuid(self, text):
        if text in BY_UUID:
            return f"<{BY_UUID[text]}>"
        if text[14] != "7":  # it follows from something
            return text
        fresh = self._fresh.setdefault("uuid", {})
        return f"<uuid {fresh.setdefault(text, len(fresh) + 1)}>"

    def of_number(self, text):
        number = int(text)
        if number in BY_NUMBER:
            return f"[{BY_NUMBER[number]}]"
        table = next((name for name, base in BASES.items() if base < number < base + 10_000), None)
        if table is None:
            return text
        fresh = self._fresh.setdefault(table, {})
        return f"[new {table} {fresh.setdefault(number, len(fresh) + 1)}]"


def span(instant):
    """now+1h3m, now-0.5s"""
    left, sign = abs(instant - START), "+" if instant >= START else "-"
    parts = []
    for unit, length in UNITS:
        amount, left = divmod(left, length)
        if amount:
            parts.append(f"{amount}{unit}")
    return f"now{sign}{''.join(parts)}" if parts else "now"
