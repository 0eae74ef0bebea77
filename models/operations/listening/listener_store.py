"""Notes which listeners ask for requests, and lists them. One that has not asked for a minute is away."""

from typing import NamedTuple

from models.accounts import account_store
from models.database.sql import execute, fetch
from models.database.transactions import transaction, write_turn
from models.rules.clock import DAY, MINUTE

CONNECTED_US = MINUTE  # longer than a question for requests lasts, and than the pause after one that failed
KEPT_US = 7 * DAY


class Listener(NamedTuple):
    """`waiting`: requests that it has not taken; `taken`: those that it has yet to answer."""

    name: str
    seen_at: int
    waiting: int
    taken: int


def note_seen(account_id: int, name: str, max_listeners: int, now: int) -> bool:
    """Note that this listener asks; False when the account has as many others connected as it may have."""
    with write_turn():
        sql = "UPDATE listener SET seen_at = %s WHERE account_id = %s AND name = %s AND seen_at > %s"
        if execute(sql, (now, account_id, name, now - CONNECTED_US)):
            return True
    with transaction():
        account_store.lock(account_id)
        if _connected(account_id, name, now) >= max_listeners:
            return False
        execute(
            "INSERT INTO listener (account_id, name, seen_at) VALUES (%s, %s, %s) "
            "ON CONFLICT (account_id, name) DO UPDATE SET seen_at = excluded.seen_at",
            (account_id, name, now),
        )
    return True


def is_connected(seen_at: int | None, now: int) -> bool:
    return seen_at is not None and seen_at > now - CONNECTED_US


def listed(account_id: int) -> list[Listener]:
    """The account's listeners by name, of the last week."""
    open_of = (
        "SELECT count(*) FROM listener_request WHERE listener_request.account_id = listener.account_id "
        "AND listener_request.listener = listener.name AND ended_at IS NULL AND answered_at IS NULL AND taken_at IS"
    )
    rows = fetch(
        f"SELECT name, seen_at, ({open_of} NULL), ({open_of} NOT NULL) FROM listener WHERE account_id = %s "
        "ORDER BY name",
        (account_id,),
    )
    return [Listener(*row) for row in rows]


def prune(now: int) -> int:
    """Forget listeners that have not asked for a week; returns how many."""
    if not fetch("SELECT 1 FROM listener WHERE seen_at < %s LIMIT 1", (now - KEPT_US,)):
        return 0
    with write_turn():
        return execute("DELETE FROM listener WHERE seen_at < %s", (now - KEPT_US,))


def _connected(account_id: int, name: str, now: int) -> int:
    sql = "SELECT count(*) FROM listener WHERE account_id = %s AND name <> %s AND seen_at > %s"
    return int(fetch(sql, (account_id, name, now - CONNECTED_US))[0][0])
