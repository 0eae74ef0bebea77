"""Lists the gates of an account, and says how each is used at this moment."""

from collections.abc import Collection
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
    """How a gate is used; nothing is counted beyond `COUNTED` + 1.

    `waiting`: due jobs that wait at it. `under_way`: requests of a flow; `started`: starts in the window of a flow's
    rate; None for other gates. `next_at`: when the next job that waits may pass; None when none waits or that is not
    known."""

    waiting: int
    under_way: int | None
    started: int | None
    next_at: int | None


def listed(account_id: int, kind: str, text: str | None, page: PageRequest, failing: bool = False) -> Page:
    """A page of the account's gates of a kind, as Gate. `text`: part of the key, whatever the case of ASCII letters.
    `failing`: only those whose latest requests failed."""
    where, params = "account_id = %s AND kind = %s", [account_id, kind]
    if failing:
        where = f"{where} AND failures > 0"
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


def usages(gates: Collection[Gate], now: int) -> dict[int, Usage]:
    """How each of the gates is used now, by its id. Two statements, whatever their number."""
    if not gates:
        return {}
    these, ids = any_of("gate.id", [gate.id for gate in gates])
    few = f"SELECT 1 FROM job WHERE {PARKED} LIMIT {COUNTED + 1}"
    in_window = (
        f"SELECT 1 FROM gate_start WHERE gate_id = gate.id AND started_at > %s - gate.per_us LIMIT {COUNTED + 1}"
    )
    rows = fetch(
        f"SELECT gate.id, (SELECT count(*) FROM ({few}) AS few), "
        f"CASE WHEN kind = '{FLOW}' THEN (SELECT count(*) FROM job WHERE {UNDER_WAY}) END, "
        f"CASE WHEN rate IS NOT NULL THEN (SELECT count(*) FROM ({in_window}) AS few) END FROM gate WHERE {these}",
        (now, now, ids),
    )
    next_at = _next_at([gate for gate in gates if gate.id in {row[0] for row in rows if row[1]}], now)
    return {row[0]: Usage(row[1], row[2], row[3], next_at.get(row[0])) for row in rows}


def _next_at(waited_for: Collection[Gate], now: int) -> dict[int, int | None]:
    """When the next job may pass these gates, as far as that is known."""
    opens_at = {gate.id: gate.closed_until for gate in waited_for if gate.is_closed(now)}
    flows = [gate for gate in waited_for if gate.kind == FLOW and gate.id not in opens_at]
    uses = pacing.uses(flows, 1, now)
    return opens_at | {gate_id: turn(use.pace, 0, uses.read_at) for gate_id, use in uses.of.items()}


def _escaped(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
