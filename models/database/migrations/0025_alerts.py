"""Alert rules, what they send to, incidents, and what happened to schedules that rules are about.

Only one incident of a rule, a type and a subject is open at a time, and a subject belongs to one of them at most:
unique indexes see to that, whoever evaluates.
"""

from typing import Any

PER_DATABASE = {
    "postgresql": {"serial": "BIGSERIAL PRIMARY KEY", "uuid": "UUID"},
    "sqlite": {"serial": "INTEGER PRIMARY KEY AUTOINCREMENT", "uuid": "TEXT"},
}
STATEMENTS = (
    "CREATE TABLE alert (id {serial}, uuid {uuid} NOT NULL UNIQUE, account_id BIGINT NOT NULL, name TEXT NOT NULL, "
    "types TEXT NOT NULL, scope_kind TEXT NOT NULL, scope_key TEXT NOT NULL, options TEXT NOT NULL, "
    "enabled INTEGER NOT NULL, muted_until BIGINT, created_at BIGINT NOT NULL, changed_at BIGINT NOT NULL)",
    "CREATE INDEX alert_account ON alert (account_id)",
    "CREATE TABLE alert_target (id {serial}, account_id BIGINT NOT NULL, alert_id BIGINT NOT NULL, way TEXT NOT NULL, "
    "url TEXT NOT NULL, secret TEXT)",
    "CREATE INDEX alert_target_account ON alert_target (account_id)",
    "CREATE INDEX alert_target_alert ON alert_target (alert_id)",
    "CREATE TABLE incident (id {serial}, uuid {uuid} NOT NULL UNIQUE, account_id BIGINT NOT NULL, "
    "alert_id BIGINT NOT NULL, alert_name TEXT NOT NULL, type TEXT NOT NULL, subject TEXT NOT NULL, "
    "title TEXT NOT NULL, detail TEXT NOT NULL, subjects BIGINT NOT NULL, is_flapping INTEGER NOT NULL, "
    "opened_at BIGINT NOT NULL, closes_at BIGINT, closed_at BIGINT, acknowledged_at BIGINT, muted_until BIGINT, "
    "announced TEXT, announce_at BIGINT)",
    "CREATE UNIQUE INDEX incident_open ON incident (alert_id, type, subject) WHERE closed_at IS NULL",
    "CREATE INDEX incident_history ON incident (alert_id, type, subject, opened_at)",
    "CREATE INDEX incident_account ON incident (account_id, opened_at, id)",
    "CREATE INDEX incident_announced ON incident (announce_at) WHERE announce_at IS NOT NULL",
    "CREATE INDEX incident_closing ON incident (closes_at) WHERE closes_at IS NOT NULL",
    "CREATE INDEX incident_closed ON incident (closed_at) WHERE closed_at IS NOT NULL",
    "CREATE TABLE incident_subject (id {serial}, incident_id BIGINT NOT NULL, alert_id BIGINT NOT NULL, "
    "type TEXT NOT NULL, subject TEXT NOT NULL, began_at BIGINT NOT NULL, ended_at BIGINT)",
    "CREATE UNIQUE INDEX incident_subject_open ON incident_subject (subject, type, alert_id) WHERE ended_at IS NULL",
    "CREATE INDEX incident_subject_incident ON incident_subject (incident_id)",
    "CREATE TABLE notification (id {serial}, incident_id BIGINT NOT NULL, type TEXT NOT NULL, way TEXT NOT NULL, "
    "address TEXT NOT NULL, job_id BIGINT NOT NULL, inserted_at BIGINT NOT NULL)",
    "CREATE INDEX notification_incident ON notification (incident_id)",
    "CREATE TABLE health_event (id {serial}, account_id BIGINT NOT NULL, schedule_id {uuid} NOT NULL, "
    "type TEXT NOT NULL, at BIGINT NOT NULL, number BIGINT NOT NULL, reason TEXT, host TEXT)",
    "CREATE INDEX health_event_schedule ON health_event (schedule_id)",
    "ALTER TABLE schedule ADD COLUMN succeeded_at BIGINT",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement.format(**PER_DATABASE[db.dialect]))
