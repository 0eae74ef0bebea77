"""Stops sending to a host that fails again and again, and finds out when it works again.

After so many failures in a row the host's gate closes without an end. From then on one request goes out as a probe, at
growing distances; the claim that takes it moves the next one on. The first success opens the gate. Jobs that wait
meanwhile use up no attempt.
"""

from collections.abc import Collection
from typing import NamedTuple

from models.database.sql import fetch
from models.flows import closing, gates
from models.flows.gates import Gate
from models.rules.clock import MINUTE, SECOND
from models.rules.limits import HOST

FIRST_PROBE_US = 10 * SECOND
LONGEST_PROBE_US = 10 * MINUTE
WITHIN_US = MINUTE  # failures that are further apart are not in a row


class HostName(NamedTuple):
    """A host as an account sees it."""

    account_id: int
    host: str


def failing() -> set[HostName]:
    """The hosts whose latest requests failed."""
    rows = fetch(f"SELECT account_id, key FROM gate WHERE failures > 0 AND kind = '{HOST}'")
    return {HostName(*row) for row in rows}


def failed(name: HostName, count: int, most: int, now: int) -> Gate | None:
    """Count failures of a host, and return its gate if it closes for them. `most`: so many in a row close it, 0 for
    never. In a transaction, which holds the gate until its end."""
    gate = gates.hold(name.account_id, HOST, name.host, now)
    failures = count + (gate.failures if _is_in_a_row(gate, now) else 0)
    since = gate.failing_since if failures > count else now
    closes = bool(most) and failures >= most and gate.probe_at is None
    probe_at = now + probe_distance_us(0) if closes else gate.probe_at
    changed = closing.write(gate._replace(failures=failures, failing_since=since, probe_at=probe_at), now)
    return changed if closes else None


def worked(name: HostName, now: int) -> Gate | None:
    """Forget the failures of a host, and return its gate if it opens. In a transaction, which holds the gate until its
    end."""
    gate = gates.hold(name.account_id, HOST, name.host, now)
    if not gate.failures and gate.probe_at is None:
        return None
    changed = closing.write(gate._replace(failures=0, failing_since=None, probes=0, probe_at=None), now)
    return changed if gate.probe_at is not None else None


def take_probes(gate_ids: Collection[int], now: int) -> set[int]:
    """Those of the gates at which one request may go out as a probe; the next may go later. In the transaction of its
    claim."""
    taken = set()
    for gate in gates.lock(gate_ids).values():
        if may_probe(gate, now):
            probes = gate.probes + 1
            closing.write(gate._replace(probes=probes, probe_at=now + probe_distance_us(probes)), now)
            taken.add(gate.id)
    return taken


def may_probe(gate: Gate, now: int) -> bool:
    """Whether the gate is closed for its failures alone, and the time of the next probe has come."""
    return gate.probe_at is not None and gate.probe_at <= now and not closing.is_held_otherwise(gate, now)


def probe_distance_us(probes: int) -> int:
    """How long to wait for the next probe after so many."""
    return min(FIRST_PROBE_US * 2 ** min(probes, 10), LONGEST_PROBE_US)


def _is_in_a_row(gate: Gate, now: int) -> bool:
    return gate.probe_at is not None or (gate.failing_since is not None and now - gate.failing_since <= WITHIN_US)
