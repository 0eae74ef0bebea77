"""Says how hosts have done of late, from the attempts of a span: success, latency, the last error.

The attempts are those of a timeline: all, or a sample where they are too many.
"""

from collections.abc import Iterable
from typing import NamedTuple

from models.database.sql import any_of, fetch
from models.flows.gates import COLUMNS, Gate
from models.operations.timelines.past_attempts import PastAttempt
from models.rules.limits import HOST


class HostFigures(NamedTuple):
    """A host's attempts. `half_us`, `most_us`: how long half of them took at most, and 95 of 100. `by_slice`: attempts
    and failed ones in equal parts of the span, oldest first."""

    host: str
    attempts: int
    failed: int
    half_us: int
    most_us: int
    last_error: PastAttempt | None
    by_slice: list[tuple[int, int]]


def of_attempts(attempts: Iterable[PastAttempt], first: int, last: int, slices: int) -> list[HostFigures]:
    """The figures of each host: those with most failures first, then those with most attempts. Attempts come newest
    first."""
    by_host: dict[str, list[PastAttempt]] = {}
    for row in attempts:
        by_host.setdefault(row.host, []).append(row)
    figures = [_figures(host, rows, first, last, slices) for host, rows in by_host.items()]
    return sorted(figures, key=lambda each: (-each.failed, -each.attempts, each.host))


def gates_of(account_id: int, hosts: list[str]) -> dict[str, Gate]:
    """The gates of those hosts that were ever held back, by host."""
    these, params = any_of("key", hosts, "text")
    rows = fetch(
        f"SELECT {COLUMNS} FROM gate WHERE account_id = %s AND kind = '{HOST}' AND {these}", (account_id, params)
    )
    gates = [Gate(*row) for row in rows]
    return {gate.key: gate for gate in gates}


def failing(account_id: int) -> int:
    """How many hosts' latest requests failed."""
    sql = f"SELECT count(*) FROM gate WHERE account_id = %s AND failures > 0 AND kind = '{HOST}'"
    return int(fetch(sql, (account_id,))[0][0])


def _figures(host: str, rows: list[PastAttempt], first: int, last: int, slices: int) -> HostFigures:
    took = sorted(max(row.finished_at - row.started_at, 0) for row in rows)
    failed = [row for row in rows if row.has_failed]
    by_slice = [[0, 0] for _ in range(slices)]
    for row in rows:
        part = by_slice[min((row.started_at - first) * slices // max(last - first, 1), slices - 1)]
        part[0] += 1
        part[1] += row.has_failed
    half, most = took[(len(took) - 1) // 2], took[(len(took) * 95 - 1) // 100]
    return HostFigures(
        host, len(rows), len(failed), half, most, failed[0] if failed else None, [(both, bad) for both, bad in by_slice]
    )
