"""Lists the instants of schedules that lie ahead and have no job yet.

A schedule has the job of its next instant alone; the others follow from its frequency.
"""

from typing import NamedTuple

from models.database.sql import fetch
from models.rules import recurrence
from models.rules.recurrence import Frequency

SCHEDULES = 100
INSTANTS = 300


class PlannedInstant(NamedTuple):
    """An instant at which a schedule will make a job due."""

    schedule_id: str
    name: str | None
    at: int


def ahead(account_id: int, last: int, schedule_id: str | None = None) -> list[PlannedInstant]:
    """Those before `last` of the account's enabled schedules, or of one of them; of each about as many."""
    only, params = ("AND id = %s ", [schedule_id]) if schedule_id else ("", [])
    rows = fetch(
        "SELECT id, name, frequency, next_at, offset_us, runs FROM schedule WHERE account_id = %s "
        f"AND disabled_at IS NULL AND next_at < %s {only}ORDER BY next_at, id LIMIT {SCHEDULES}",
        [account_id, last, *params],
    )
    most = INSTANTS // max(len(rows), 1)
    return [
        PlannedInstant(str(key), name, at + offset_us)
        for key, name, frequency, next_at, offset_us, runs in rows
        for at in _following(recurrence.frequency_of(frequency), next_at, last - offset_us, most, runs)
    ]


def _following(rule: Frequency, next_at: int, last: int, limit: int, runs: int) -> list[int]:
    """The instants after `next_at`, which has its job; where they are more than `limit`, some that are spread over the
    whole time. None where the host has no data of the zone any more."""
    if rule.every_us is None and not recurrence.is_zone(rule.timezone):
        return []
    left = limit + 1 if rule.bounds.max_runs is None else rule.bounds.max_runs - runs
    instants: list[int] = []
    at = recurrence.next_after(rule, next_at)
    while at is not None and at < last and len(instants) < min(limit + 1, left):
        instants.append(at)
        at = recurrence.next_after(rule, at)
    return instants if len(instants) <= limit else _spread(rule, next_at, last, limit)


def _spread(rule: Frequency, next_at: int, last: int, limit: int) -> list[int]:
    """The first instant after each of `limit` places at equal distances. An interval is measured from `next_at`."""
    every = rule.every_us or 1
    places = [next_at + (last - next_at) * number // limit // every * every for number in range(limit)]
    instants = dict.fromkeys(recurrence.next_after(rule, place) for place in places)
    return [at for at in instants if at is not None and at < last]
