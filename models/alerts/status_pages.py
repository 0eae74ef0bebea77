"""Keeps the addresses of status pages, and reads what such a page shows: schedules, and the last incident.

Whoever has the address sees it, so nothing here is a URL, a host, a body or a secret.
"""

import re
import secrets
from typing import NamedTuple

from models.alerts import conditions
from models.alerts.alert_tables import StatusPage
from models.database.sql import execute, fetch
from models.database.transactions import transaction
from models.jobs.states import UNDER_WAY_SQL

AT_MOST = 1000  # schedules: the page is loaded again and again, by nobody in particular
TOKEN_BYTES = 32
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
IS_RUNNING = f"EXISTS (SELECT 1 FROM job WHERE job.schedule_id = schedule.id AND job.{UNDER_WAY_SQL})"
NEEDS_FIRST = "CASE WHEN disabled_at IS NULL AND failures > 0 THEN 0 WHEN disabled_at IS NULL THEN 1 ELSE 2 END"


class ShownSchedule(NamedTuple):
    """A schedule on the page; see models/schedules/schedule_tables.py for its columns. `is_running`: a job of it is
    under way."""

    id: str
    name: str | None
    disabled_at: int | None
    next_at: int | None
    failures: int
    is_running: bool


class LastIncident(NamedTuple):
    """The latest incident of an account. `name`: of the schedule that it is about; None: it has no name, or it is about
    a host or a gate. `subjects`: how many schedules or gates it is about."""

    type: str
    is_of_host: bool
    name: str | None
    subjects: int
    opened_at: int
    closed_at: int | None


def token_of(account_id: int) -> str | None:
    """The token of the account's page; None: it has none."""
    row = StatusPage.get_or_none(StatusPage.account_id == account_id)
    return None if row is None else str(row.token)


def renew(account_id: int, now: int) -> str:
    """A fresh token; the one before leads nowhere from now on."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with transaction():
        execute(
            "INSERT INTO status_page (account_id, token, created_at) VALUES (%s, %s, %s) ON CONFLICT (account_id) "
            "DO UPDATE SET token = excluded.token, created_at = excluded.created_at",
            (account_id, token, now),
        )
    return token


def revoke(account_id: int) -> bool:
    """Whether there was a page."""
    with transaction():
        return bool(StatusPage.delete().where(StatusPage.account_id == account_id).execute())


def account_of(token: str) -> int | None:
    """The account whose page this is."""
    if not TOKEN.fullmatch(token):
        return None
    row = StatusPage.get_or_none(StatusPage.token == token)
    return None if row is None else int(row.account_id)


def shown_schedules(account_id: int) -> list[ShownSchedule]:
    """The account's schedules, AT_MOST of them: those that fail first, then the newest."""
    rows = fetch(
        f"SELECT id, name, disabled_at, next_at, failures, {IS_RUNNING} FROM schedule "
        f"WHERE account_id = %s ORDER BY {NEEDS_FIRST}, inserted_at DESC, id DESC LIMIT {AT_MOST}",
        (account_id,),
    )
    return [ShownSchedule(str(row[0]), *row[1:]) for row in rows]


def count(account_id: int) -> int:
    """How many schedules the account has."""
    return int(fetch("SELECT count(*) FROM schedule WHERE account_id = %s", (account_id,))[0][0])


def last_incident(account_id: int) -> LastIncident | None:
    """The one that opened last."""
    rows = fetch(
        "SELECT type, subject, subjects, opened_at, closed_at FROM incident WHERE account_id = %s "
        "ORDER BY opened_at DESC, id DESC LIMIT 1",
        (account_id,),
    )
    for condition, subject, subjects, opened_at, closed_at in rows:
        kind, _, key = subject.partition(":")
        is_of_host = kind == "host" and condition == conditions.FAILED
        name = _name_of(account_id, key) if kind == "schedule" else None
        return LastIncident(condition, is_of_host, name, subjects, opened_at, closed_at)
    return None


def _name_of(account_id: int, schedule_id: str) -> str | None:
    rows = fetch("SELECT name FROM schedule WHERE id = %s AND account_id = %s", (schedule_id, account_id))
    return rows[0][0] if rows else None
