"""Opens and closes incidents: set statements whose guards and unique indexes let each change happen once.

An incident has one or more subjects (schedules, or gates). It opens with its first and closes with its last. Whoever
changes it sets `announce_at` in the same statement, so no change stays unsent and none is sent twice.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from models.alerts.change_counts import CLOSED, OPENED, count
from models.alerts.conditions import Rule
from models.alerts.exclusive import is_alone
from models.database.ids import new_id
from models.database.sql import any_of, execute, fetch, values_table
from models.database.transactions import transaction
from models.rules.clock import HOUR, MINUTE, SECOND

GATHER_US = 2 * SECOND  # what begins within this time for one cause is one message
FLAPPING_US, FLAPS = HOUR, 3  # an incident that opened so often within this time before flaps
CALM_US = 10 * MINUTE  # a flapping incident closes when its condition has not held for this long
KEY = "alert_id bigint, type text, subject text"
IS_OPEN = "ended_at IS NULL"
HAS_SUBJECTS = (
    f"EXISTS (SELECT 1 FROM incident_subject AS each WHERE each.incident_id = incident.id AND each.{IS_OPEN})"
)


class Key(NamedTuple):
    """A condition of a rule, and the subject that it holds for."""

    alert_id: int
    type: str
    subject: str


class Begin(NamedTuple):
    """A condition that began to hold for `subject`. `about`: the subject of the incident; it may be the cause that many
    share, such as their host."""

    rule: Rule
    type: str
    subject: str
    about: str
    title: str
    detail: str
    at: int

    @property
    def key(self) -> Key:
        return Key(self.rule.id, self.type, self.subject)

    @property
    def incident_key(self) -> Key:
        return Key(self.rule.id, self.type, self.about)


def open_subjects(subjects: Collection[str]) -> set[Key]:
    """The conditions that hold for these subjects."""
    these, params = any_of("subject", sorted(subjects), "text")
    rows = fetch(f"SELECT alert_id, type, subject FROM incident_subject WHERE {these} AND {IS_OPEN}", (params,))
    return {Key(*row) for row in rows}


def begin(begins: Sequence[Begin], now: int) -> None:
    """Give each of these an open incident, joining the caller's transaction. What holds already changes nothing."""
    if not begins:
        return
    first = {each.incident_key: each for each in reversed(begins)}
    _open(list(first.values())[::-1], now)
    incidents = _open_incidents({each.incident_key for each in begins})
    rows = [(incidents[each.incident_key], *each.key, each.at) for each in {each.key: each for each in begins}.values()]
    table, params = values_table(f"incident_id bigint, {KEY}, began_at bigint", rows)
    names = "incident_id, alert_id, type, subject, began_at"
    added = fetch(
        f"INSERT INTO incident_subject ({names}) SELECT {names} FROM {table} AS input WHERE true "
        "ON CONFLICT DO NOTHING RETURNING incident_id",
        params,
    )
    _count([row[0] for row in added])


def end(ended: Collection[tuple[Key, int]], now: int) -> None:
    """End these conditions, each at its instant, and close the incidents that have no subject left. Joins the caller's
    transaction."""
    if not ended:
        return
    table, params = values_table(f"{KEY}, at bigint", [(*key, at) for key, at in ended])
    rows = fetch(
        f"UPDATE incident_subject SET ended_at = input.at FROM {table} AS input "
        "WHERE incident_subject.alert_id = input.alert_id AND incident_subject.type = input.type "
        f"AND incident_subject.subject = input.subject AND incident_subject.{IS_OPEN} "
        "RETURNING incident_subject.incident_id",
        params,
    )
    _close_ended({row[0] for row in rows}, now)


def close_calm(now: int) -> None:
    """Close the flapping incidents that stayed calm."""
    if not fetch("SELECT 1 FROM incident WHERE closes_at <= %s LIMIT 1", (now,)):
        return
    with transaction():
        if is_alone():
            closed = execute(
                "UPDATE incident SET closed_at = closes_at, closes_at = NULL, announce_at = %s "
                f"WHERE closes_at <= %s AND closed_at IS NULL AND NOT {HAS_SUBJECTS}",
                (now, now),
            )
            count(CLOSED, closed)


def _close_ended(incident_ids: Collection[int], now: int) -> None:
    """Close those of the incidents that have no subject left; one that flaps closes later."""
    if not incident_ids:
        return
    these, params = any_of("id", sorted(incident_ids))
    where = f"{these} AND closed_at IS NULL AND NOT {HAS_SUBJECTS}"
    execute(f"UPDATE incident SET closes_at = %s WHERE is_flapping = 1 AND {where}", (now + CALM_US, params))
    last_end = "(SELECT max(ended_at) FROM incident_subject AS each WHERE each.incident_id = incident.id)"
    closed = execute(
        f"UPDATE incident SET closed_at = COALESCE({last_end}, %s), announce_at = %s WHERE is_flapping = 0 AND {where}",
        (now, now, params),
    )
    count(CLOSED, closed)


def _open(begins: Sequence[Begin], now: int) -> None:
    flapping = _flapping(begins)
    values = [
        (
            *(new_id(), each.rule.account_id, each.rule.name, *each.incident_key, each.title, each.detail, each.at),
            int(each.incident_key in flapping),
        )
        for each in begins
    ]
    columns = (
        f"uuid uuid, account_id bigint, alert_name text, {KEY}, title text, detail text, opened_at bigint, "
        "is_flapping int"
    )
    names = "uuid, account_id, alert_name, alert_id, type, subject, title, detail, opened_at, is_flapping"
    table, params = values_table(columns, values)
    opened = execute(
        f"INSERT INTO incident ({names}, subjects, announce_at) SELECT {names}, 0, CAST(%s AS BIGINT) "
        f"FROM {table} AS input WHERE true ON CONFLICT DO NOTHING",
        (now + GATHER_US, *params),
    )
    count(OPENED, opened)


def _flapping(begins: Sequence[Begin]) -> set[Key]:
    """Those whose incidents opened several times within an hour. One statement counts for all: a look-up for each was
    planned while the table was small, and later read the whole table each time."""
    since = {each.incident_key: each.at - FLAPPING_US for each in begins}
    these, params = any_of("subject", sorted({key.subject for key in since}), "text")
    sql = f"SELECT alert_id, type, subject, opened_at FROM incident WHERE opened_at > %s AND {these}"
    rows = [(Key(*key), opened_at) for *key, opened_at in fetch(sql, (min(since.values()), params))]
    counts = Counter(key for key, opened_at in rows if key in since and opened_at > since[key])
    return {key for key, count in counts.items() if count >= FLAPS}


def _open_incidents(keys: Collection[Key]) -> dict[Key, int]:
    table, params = values_table(KEY, sorted(keys))
    rows = fetch(
        f"SELECT incident.id, input.alert_id, input.type, input.subject FROM {table} AS input JOIN incident "
        "ON incident.alert_id = input.alert_id AND incident.type = input.type AND incident.subject = input.subject "
        "WHERE incident.closed_at IS NULL",
        params,
    )
    return {Key(*row[1:]): row[0] for row in rows}


def _count(incident_ids: Sequence[int]) -> None:
    """Count these further subjects; a flapping incident that was about to close stays open."""
    if not incident_ids:
        return
    table, params = values_table("id bigint, added bigint", sorted(Counter(incident_ids).items()))
    execute(
        "UPDATE incident SET subjects = incident.subjects + input.added, closes_at = NULL "
        f"FROM {table} AS input WHERE incident.id = input.id",
        params,
    )
