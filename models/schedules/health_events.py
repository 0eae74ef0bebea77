"""Writes down what happens to schedules and matters to alert rules, in the transaction in which it happens.

So no event is lost and none is written twice. This module only adds rows, so it waits for nobody; the ticker reads and
deletes them (models/alerts/evaluation.py). An account without rules gets no rows. A success or a start on time is
written down only if something went wrong before: a failure in a row, an open incident, or an event that is still to be
evaluated.
"""

from collections.abc import Sequence
from typing import NamedTuple

from models.database.sql import execute, values_table

FAILED, SUCCEEDED, DISABLED = "failed", "succeeded", "disabled"
BEGUN, MISSED = "begun", "missed"
TYPES = (FAILED, SUCCEEDED, DISABLED, BEGUN, MISSED)
HAS_RULES = "EXISTS (SELECT 1 FROM alert WHERE alert.account_id = {account} AND alert.enabled = 1)"
HAS_INCIDENT = (
    "(EXISTS (SELECT 1 FROM incident_subject WHERE subject = CAST(input.schedule_id AS TEXT) AND ended_at IS NULL) "
    "OR EXISTS (SELECT 1 FROM health_event AS earlier WHERE earlier.schedule_id = input.schedule_id))"
)
COLUMNS = "schedule_id uuid, type text, at bigint, number bigint, reason text, host text, matters int, place int"


class HealthEventRow(NamedTuple):
    """What happened; see models/schedules/schedule_tables.py for each column. `matters`: 1 if it is written down
    whether or not the schedule has an open incident."""

    schedule_id: str
    type: str
    at: int
    number: int
    reason: str | None = None
    host: str | None = None
    matters: int = 1


def add(rows: Sequence[HealthEventRow]) -> None:
    """Write down those that a rule may be about, joining the caller's transaction."""
    if not rows:
        return
    table, params = values_table(COLUMNS, [(*row, place) for place, row in enumerate(rows)])
    execute(
        "INSERT INTO health_event (account_id, schedule_id, type, at, number, reason, host) SELECT "
        "schedule.account_id, input.schedule_id, input.type, input.at, input.number, input.reason, input.host "
        f"FROM {table} AS input JOIN schedule ON schedule.id = input.schedule_id "
        f"WHERE {HAS_RULES.format(account='schedule.account_id')} AND (input.matters = 1 OR {HAS_INCIDENT}) "
        "ORDER BY input.place",
        params,
    )
