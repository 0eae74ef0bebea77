"""Lists the gates of an account, and says how each is used at this moment."""

from typing import NamedTuple

from models.database.paging import Listing, Page, PageRequest, ids_of, order_sql
from models.database.sql import any_of, fetch
from models.flows import pacing
from models.flows.gates import COLUMNS, Gate
from models.flows.pacing import PARKED, UNDER_WAY
from models.rules.limits import FLOW
from models.rules.turns import turn

COUNTED = 10_000
LISTING = Listing({"key": ("key", False), "inserted_at": ("created_at", False)}, "id", frozenset({"key"}))


class Usage(NamedTuple):
    """How a gate is used. `waiting`: due jobs that wait at it, at most `COUNTED` + 1. `under_way`: requests of a flow;
    `started`: of a flow with a rate the starts in its window; None for other gates. `next_at`: when the next job that
    waits may pass; None when none waits or that is not known."""

    waiting: int
    under_way: int | None
    started: int | None
    next_at: int | None


def listed(account_id: int, kind: str, text: str | None, page: PageRequest) -> Page:
    """A page of the account's gates of a kind, as Gate. `text`: part of the key, whatever the case of ASCII letters."""
    where, params = "account_id = %s AND kind = %s", [account_id, kind]
    if text is not None:
        where, params = f"{where} AND lower(key) LIKE %s ESCAPE '!'", [*params, f"%{_escaped(text.lower())}%"]
    ids, end = ids_of("gate", LISTING, where, params, page)
    if not ids:
        return Page([], end)
    these, values = any_of("id", ids)
    order = order_sql(LISTING, page.order)
    return Page(
        [Gate(*row) for row in fetch(f"SELECT {COLUMNS} FROM gate WHERE {these} ORDER BY {order}", (values,))], end
    )


def usage(gate: Gate, now: int) -> Usage:
    """How the gate is used now."""
    few = f"SELECT 1 FROM job WHERE {PARKED} LIMIT %s"
    under_way = f"SELECT count(*) FROM job WHERE {UNDER_WAY}" if gate.kind == FLOW else "SELECT NULL"
    in_window = "SELECT count(*) FROM gate_start WHERE gate_id = gate.id AND started_at > %s - gate.per_us"
    ((waiting, running, started),) = fetch(
        f"SELECT (SELECT count(*) FROM ({few}) AS few), ({under_way}), ({in_window}) FROM gate WHERE id = %s",
        (now, COUNTED + 1, *([now] if gate.kind == FLOW else []), now, gate.id),
    )
    return Usage(waiting, running, started if gate.rate else None, _next_at(gate, now) if waiting else None)


def _next_at(gate: Gate, now: int) -> int | None:
    if gate.is_closed(now):
        return gate.closed_until
    uses, read_at = pacing.uses([gate], 1, now)
    return turn(uses[gate.id].pace, 0, read_at) if gate.kind == FLOW else None


def _escaped(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
