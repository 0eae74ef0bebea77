"""Reads and writes the rows of gates: what a flow, a lane, a host or an account allows.

A gate is made when an order first names it. Claims and orders lock gates in the order of their ids, so no two wait for
each other.
"""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from models.database.sql import any_of, execute, fetch, for_update, values_table
from models.database.transactions import transaction, wait_briefly_for_locks
from models.jobs.states import WAITING_SQL
from models.rules import clock
from models.rules.limits import FLOW, LANE, GateName, Limits

BRIEFLY_MS = 500  # claims of one gate take turns, each for some milliseconds; whoever holds it for longer stands still
FAR = 2**62  # the end of a wait whose end is not known


class Gate(NamedTuple):
    """A gate; see models/flows/gate_tables.py for each column."""

    id: int
    account_id: int
    kind: str
    key: str
    rate: int | None
    per_us: int | None
    concurrency: int | None
    stops: int
    is_pinned: int
    paused_at: int | None
    paused_until: int | None
    reason: str | None
    rests_until: int | None
    failures: int
    failing_since: int | None
    probes: int
    probe_at: int | None
    closed_until: int | None
    starts: int
    wake_at: int | None
    used_at: int
    created_at: int

    @property
    def limits(self) -> Limits:
        return Limits(self.rate, self.per_us, self.concurrency, self.stops)

    def is_closed(self, now: int) -> bool:
        return self.closed_until is not None and self.closed_until > now

    def is_paused(self, now: int) -> bool:
        return self.pause_ends_at > now

    @property
    def pause_ends_at(self) -> int:
        """`FAR` for a pause that lasts until it is resumed; 0 when there is none."""
        return 0 if self.paused_at is None else FAR if self.paused_until is None else self.paused_until


COLUMNS = ", ".join(Gate._fields)
OF_KEY = "account_id = %s AND kind = %s AND key = %s"
ENDS_MAKE_ROOM = f"(kind <> '{FLOW}' OR concurrency IS NOT NULL)"  # what has a rate alone waits for no end


def join(account_id: int, names: Collection[GateName], now: int) -> dict[tuple[str, str], int]:
    """The ids of these gates by kind and key, made where they are missing; the newest limits replace older ones unless
    the gate is pinned. Inside the transaction that stores the jobs: no gate is forgotten before their commit, and jobs
    of one lane are stored one after another, so that their ids ascend in the order of the commits."""
    joined = _kept(account_id, names)
    while missing := sorted({name for name in names if name[:2] not in joined}, key=lambda name: name[:2]):
        for name in missing:
            make(account_id, name, now)
        joined = _kept(account_id, names)
    _change(joined, names, now)
    return {name: gate.id for name, gate in joined.items()}


def find(account_id: int, kind: str, key: str) -> Gate | None:
    """The account's gate of this kind and key."""
    rows = fetch(f"SELECT {COLUMNS} FROM gate WHERE {OF_KEY}", (account_id, kind, key))
    return Gate(*rows[0]) if rows else None


def by_id(ids: Collection[int]) -> dict[int, Gate]:
    """The gates of these ids."""
    if not ids:
        return {}
    these, params = any_of("id", sorted(ids))
    return {row[0]: Gate(*row) for row in fetch(f"SELECT {COLUMNS} FROM gate WHERE {these}", (params,))}


def lock(ids: Collection[int]) -> dict[int, Gate]:
    """The gates of these ids, locked until the transaction ends."""
    if not ids:
        return {}
    these, params = any_of("id", sorted(ids))
    sql = f"SELECT {COLUMNS} FROM gate WHERE {these} ORDER BY id{for_update('NO KEY UPDATE')}"
    return {row[0]: Gate(*row) for row in fetch(sql, (params,))}


def set_limits(gate: Gate, limits: Limits, is_pinned: bool, now: int) -> Gate:
    """Give a gate its limits. The ticker looks at once whether more may pass."""
    with transaction():
        execute(
            "UPDATE gate SET rate = %s, per_us = %s, concurrency = %s, stops = %s, is_pinned = %s, used_at = %s, "
            "wake_at = %s WHERE id = %s",
            (*limits, int(is_pinned), now, now, gate.id),
        )
    return gate._replace(**limits._asdict(), is_pinned=int(is_pinned), used_at=now, wake_at=now)


def change_limits(gate_id: int, change: Callable[[Limits], Limits], now: int) -> Gate | None:
    """Pin the gate to what `change` makes of its limits, so that of two changes none undoes the other; None when there
    is no such gate."""
    with transaction():
        for gate in lock([gate_id]).values():
            return set_limits(gate, change(gate.limits), True, now)
    return None


def ensure(account_id: int, kind: str, key: str, now: int) -> Gate:
    """The gate of this kind and key, made if it is missing."""
    with transaction():
        (gate_id,) = join(account_id, [GateName(kind, key)], now).values()
        return by_id([gate_id])[gate_id]


def hold(account_id: int, kind: str, key: str, now: int) -> Gate:
    """The gate of this kind and key, made if it is missing, locked until the transaction ends."""
    (gate_id,) = join(account_id, [GateName(kind, key)], now).values()
    return lock([gate_id])[gate_id]


def wake(ids: Collection[int], now: int, which: str = "true") -> int:
    """Have the ticker look at once which jobs may pass these gates, where any wait; returns how many are woken.
    `which`: a further condition."""
    if not ids:
        return 0
    these, params = any_of("id", sorted(ids))
    with transaction():
        wait_briefly_for_locks(BRIEFLY_MS)
        return execute(
            f"UPDATE gate SET wake_at = %s WHERE id IN (SELECT id FROM gate AS woken WHERE {these} AND {which} "
            f"AND (SELECT 1 FROM job WHERE parked_by = woken.id AND {WAITING_SQL} LIMIT 1) IS NOT NULL "  # not EXISTS
            f"ORDER BY id{for_update('NO KEY UPDATE')})",
            (now, params),
        )


def _kept(account_id: int, names: Collection[GateName]) -> dict[tuple[str, str], Gate]:
    """Those of the gates that are there, by kind and key; none is forgotten before the transaction ends."""
    table, params = values_table("kind text, key text", sorted(name[:2] for name in names))
    columns = ", ".join(f"gate.{column}" for column in Gate._fields)
    rows = fetch(
        f"SELECT {columns} FROM {table} AS input JOIN gate ON gate.account_id = %s AND gate.kind = input.kind "
        f"AND gate.key = input.key{for_update('KEY SHARE OF gate')}",
        (*params, account_id),
    )
    return {(gate.kind, gate.key): gate for gate in map(Gate._make, rows)}


def _change(joined: Mapping[tuple[str, str], Gate], names: Collection[GateName], now: int) -> None:
    """Lock lanes, and write what these orders change. In the order of ids, as claims lock gates."""
    limits = {joined[name[:2]].id: name.limits for name in names}
    wanted = [gate.id for gate in joined.values() if gate.kind == LANE or _is_changed(gate, limits[gate.id], now)]
    for gate in lock(wanted).values():
        new = limits[gate.id]
        if new is not None and new != gate.limits and not gate.is_pinned:
            set_limits(gate, new, False, now)
        elif gate.used_at < now - clock.DAY:
            execute("UPDATE gate SET used_at = %s WHERE id = %s", (now, gate.id))


def _is_changed(gate: Gate, limits: Limits | None, now: int) -> bool:
    return (limits not in (None, gate.limits) and not gate.is_pinned) or gate.used_at < now - clock.DAY


def make(account_id: int, name: GateName, now: int, gate_id: int | None = None) -> None:
    """Make the gate unless it is there. `gate_id`: the id that it had before it was forgotten."""
    own, ids = ("id, ", (gate_id,)) if gate_id is not None else ("", ())
    execute(
        f"INSERT INTO gate ({own}account_id, kind, key, rate, per_us, concurrency, stops, is_pinned, failures, probes, "
        f"starts, used_at, created_at) VALUES ({'%s, ' * len(ids)}%s, %s, %s, %s, %s, %s, %s, 0, 0, 0, 0, %s, %s) "
        "ON CONFLICT DO NOTHING",
        (*ids, account_id, name.kind, name.key, *(name.limits or Limits()), now, now),
    )
