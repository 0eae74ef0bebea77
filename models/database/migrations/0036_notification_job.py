"""Finds the incidents that a message is about, by its job."""

from typing import Any


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    db.execute_sql("CREATE INDEX notification_job ON notification (job_id)")
