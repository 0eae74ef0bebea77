"""Finds, lists and changes incidents for their owners. Every query names the account."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from models.alerts.alert_store import untold
from models.alerts.alert_tables import Incident, IncidentSubject
from models.alerts.announcing import COLUMNS, incident_row
from models.alerts.exclusive import wait_until_alone
from models.alerts.messages import IncidentRow
from models.database.paging import Listing, Page, PageRequest, ids_of
from models.database.sql import any_of, execute, fetch, skipping_locked
from models.database.transactions import transaction

OPEN, CLOSED = "open", "closed"
STATES = (OPEN, CLOSED)
LISTING = Listing({"opened_at": ("opened_at", False)}, "id")
SUBJECTS_SHOWN = 100
NOTIFICATIONS_SHOWN = 100


class NotificationRow(NamedTuple):
    """A notification and what became of it; `state`: of its job, None once that is deleted."""

    type: str
    way: str
    address: str
    inserted_at: int
    job_id: int
    job_uuid: str | None
    state: str | None


class SubjectRow(NamedTuple):
    """A schedule or gate of an incident."""

    subject: str
    began_at: int
    ended_at: int | None


def listed(account_id: int, state: str | None, page: PageRequest) -> Page:
    """A page of the account's incidents."""
    where = {OPEN: " AND closed_at IS NULL", CLOSED: " AND closed_at IS NOT NULL", None: ""}[state]
    ids = ids_of("incident", LISTING, f"account_id = %s{where}", [account_id], page)
    these, params = any_of("id", ids.rows)
    incidents = [incident_row(row) for row in fetch(f"SELECT {COLUMNS} FROM incident WHERE {these}", (params,))]
    by_id = {incident.id: incident for incident in incidents}
    return Page([by_id[row_id] for row_id in ids.rows if row_id in by_id], ids.end)


def find(account_id: int, uuid: str) -> IncidentRow | None:
    """The account's incident of this id."""
    rows = fetch(f"SELECT {COLUMNS} FROM incident WHERE account_id = %s AND uuid = %s", (account_id, uuid))
    return incident_row(rows[0]) if rows else None


def notifications_of(incident_id: int) -> list[NotificationRow]:
    """What was sent about an incident, oldest first."""
    rows = fetch(
        "SELECT notification.type, way, address, notification.inserted_at, job_id, job.uuid, job.state "
        "FROM notification LEFT JOIN job ON job.id = job_id WHERE incident_id = %s "
        f"ORDER BY notification.id LIMIT {NOTIFICATIONS_SHOWN}",
        (incident_id,),
    )
    return [
        NotificationRow(message, way, address, at, job_id, str(uuid) if uuid else None, state)
        for message, way, address, at, job_id, uuid, state in rows
    ]


def subjects_of(incident_id: int) -> list[SubjectRow]:
    """The schedules or gates of an incident, those that still have it first."""
    rows = fetch(
        "SELECT subject, began_at, ended_at FROM incident_subject WHERE incident_id = %s "
        f"ORDER BY CASE WHEN ended_at IS NULL THEN 0 ELSE 1 END, id LIMIT {SUBJECTS_SHOWN}",
        (incident_id,),
    )
    return [SubjectRow(*row) for row in rows]


def acknowledge(account_id: int, uuid: str, now: int) -> IncidentRow | None:
    """Note that somebody looks after the incident: it is not sent again while it is open. None: there is none such."""
    _update(account_id, uuid, {"acknowledged_at": now}, Incident.acknowledged_at.is_null())
    return find(account_id, uuid)


def mute(account_id: int, uuid: str, until: int | None, now: int) -> IncidentRow | None:
    """Send nothing about the incident before an instant; None unmutes it, so that what waits is sent."""
    with transaction():
        wait_until_alone()
        _update(account_id, uuid, {"muted_until": until})
        if until is None:
            _update(account_id, uuid, {"announce_at": now}, untold())
        return find(account_id, uuid)


def close(account_id: int, uuid: str, now: int) -> IncidentRow | None:
    """Close the incident although its condition may hold; it opens again when the condition begins again."""
    with transaction():
        wait_until_alone()
        incident = find(account_id, uuid)
        if incident is None:
            return None
        mine = IncidentSubject.incident_id == incident.id
        IncidentSubject.update(ended_at=now).where(mine, IncidentSubject.ended_at.is_null()).execute()
        values = {"closed_at": now, "closes_at": None, "announce_at": now}
        _update(account_id, uuid, values, Incident.closed_at.is_null())
        return find(account_id, uuid)


def prune(closed_before: int, limit: int) -> int:
    """Delete incidents that closed before an instant, with what was sent about them; returns how many."""
    with transaction():
        rows = fetch(
            "SELECT id FROM incident WHERE closed_at < %s AND announce_at IS NULL ORDER BY closed_at LIMIT %s"
            f"{skipping_locked()}",
            (closed_before, limit),
        )
        if not rows:
            return 0
        ids = [row[0] for row in rows]
        _delete("notification", "incident_id", ids)
        _delete("incident_subject", "incident_id", ids)
        return _delete("incident", "id", ids)


def _delete(table: str, column: str, ids: Sequence[int]) -> int:
    these, params = any_of(column, ids)
    return execute(f"DELETE FROM {table} WHERE {these}", (params,))


def _update(account_id: int, uuid: str, values: dict[str, Any], *conditions: Any) -> None:
    Incident.update(values).where(Incident.account_id == account_id, Incident.uuid == uuid, *conditions).execute()
