"""Closes gates for a while and opens them again: a pause by the owner, a rest that a target asked for.

A gate is closed until the latest of its reasons ends (`closed_until`). The claim of ordinary jobs looks at the closed
hosts and accounts alone; jobs that meet a closed gate are parked there.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from models.database.sql import any_of, execute, fetch
from models.database.transactions import transaction
from models.flows import gates
from models.flows.gates import COLUMNS, FAR, Gate
from models.rules.limits import ACCOUNT, HOST


class Target(NamedTuple):
    """A job as far as its account and host decide on it."""

    id: int
    account_id: int
    host: str


def pause(account_id: int, kind: str, key: str, until: int | None, reason: str | None, now: int) -> Gate:
    """Let nothing pass before `until`; None: before it is resumed. Requests under way go on."""
    with transaction():
        gate = gates.hold(account_id, kind, key, now)
        return write(gate._replace(paused_at=now, paused_until=until, reason=reason), now)


def resume(account_id: int, kind: str, key: str, now: int) -> Gate:
    """Let jobs pass again, also those of a lane that stopped. A gate that is not paused stays as it is."""
    with transaction():
        gate = gates.hold(account_id, kind, key, now)
        return write(gate._replace(paused_at=None, paused_until=None, reason=None), now)


def rest(gate_id: int, until: int, now: int) -> None:
    """Let nothing pass before `until`, as a target asked for; a longer rest stays."""
    with transaction():
        for gate in gates.lock([gate_id]).values():
            write(gate._replace(rests_until=max(until, gate.rests_until or 0)), now)


def reopen(account_id: int, host: str, now: int) -> Gate:
    """Send to a host again at once, whether it was paused, rests or failed."""
    with transaction():
        reset(account_id, HOST, host, now)
        return resume(account_id, HOST, host, now)


def reset(account_id: int, kind: str, key: str, now: int) -> Gate:
    """Forget the starts that the rate counted, and a rest: the next jobs may pass at once."""
    with transaction():
        gate = gates.hold(account_id, kind, key, now)
        execute("DELETE FROM gate_start WHERE gate_id = %s", (gate.id,))
        return write(gate._replace(rests_until=None, probe_at=None, probes=0, failures=0, failing_since=None), now)


def stop_lanes(discarded: Mapping[int, int], now: int) -> None:
    """Stop those of the lanes that stop at a discarded job. In the transaction that discards it. `discarded`: the job
    by its lane."""
    for gate in gates.lock(discarded).values():
        if gate.stops:
            reason = f"job {discarded[gate.id]} was discarded"
            write(gate._replace(paused_at=now, paused_until=None, reason=reason), now)


def held_by(jobs: Sequence[Target], now: int) -> dict[int, list[int]]:
    """Those of the jobs whose host or account is closed, by the id of the gate that is closed for longer."""
    accounts = sorted({job.account_id for job in jobs})
    if not accounts:
        return {}
    these, params = any_of("account_id", accounts)
    where = f"{these} AND closed_until > %s AND kind IN ('{HOST}', '{ACCOUNT}')"
    closed = [Gate(*row) for row in fetch(f"SELECT {COLUMNS} FROM gate WHERE {where}", (params, now))]
    by_place = {(gate.account_id, gate.kind, gate.key): gate for gate in closed}
    held: dict[int, list[int]] = {}
    for job in jobs:
        places = ((job.account_id, HOST, job.host), (job.account_id, ACCOUNT, ""))
        in_front = [by_place[place] for place in places if place in by_place]
        if in_front:
            longest = max(in_front, key=opens_at)
            held.setdefault(longest.id, []).append(job.id)
    return held


def opens_at(gate: Gate) -> int:
    """The earliest instant at which the gate may let a job pass, even if it is a single probe."""
    return max(gate.rests_until or 0, gate.probe_at or 0, gate.pause_ends_at)


def is_held_otherwise(gate: Gate, now: int) -> bool:
    """Whether a pause or a rest holds the gate closed, whatever its failures."""
    return max(gate.pause_ends_at, gate.rests_until or 0) > now


def write(gate: Gate, now: int) -> Gate:
    """Write why the gate is closed, and until when; the ticker looks at it when that is over. Under its lock."""
    closed_until = FAR if gate.probe_at is not None else max(gate.rests_until or 0, gate.pause_ends_at)
    closed = closed_until if closed_until > now else None
    wake_at = gate.probe_at if closed == FAR else closed or now
    execute(
        "UPDATE gate SET paused_at = %s, paused_until = %s, reason = %s, rests_until = %s, probe_at = %s, "
        "failures = %s, failing_since = %s, probes = %s, closed_until = %s, wake_at = %s WHERE id = %s",
        (
            *(gate.paused_at, gate.paused_until, gate.reason, gate.rests_until, gate.probe_at),
            *(gate.failures, gate.failing_since, gate.probes, closed, wake_at, gate.id),
        ),
    )
    return gate._replace(closed_until=closed, wake_at=wake_at)
