"""How jobs and their attempts are printed."""

from typing import Any

from booper_client.cli.output import Output
from booper_client.models.jobs import Attempt, Job

COLUMNS = ("JOB", "STATE", "WHEN", "METHOD", "TARGET", "NAME", "ID")


def cells(job: Job) -> tuple[Any, ...]:
    return (job.job_id, job.state, job.scheduled_at, job.method, job.url or job.args.get("group"), job.name, job.id)


def show(output: Output, job: Job) -> None:
    state = job.job
    pairs = [
        ("job", job.job_id),
        ("id", job.id),
        ("state", job.state),
        ("request", f"{job.method} {job.url or job.args.get('group')}"),
        ("name", job.name),
        ("description", job.description),
        ("labels", job.args.get("labels")),
        ("scheduled", state.scheduled_at),
        ("created", state.inserted_at),
        ("attempted", state.attempted_at),
        ("ended", state.completed_at or state.discarded_at or state.cancelled_at),
        ("schedule", job.schedule_id),
        ("body", job.args.get("body")),
    ]
    output.item(job, [*pairs, *_last(job.last_attempt)])


def _last(attempt: Attempt | None) -> list[tuple[str, Any]]:
    if attempt is None:
        return []
    return [("last attempt", f"number {attempt.number}: {outcome(attempt)}"), ("next attempt", attempt.next_at)]


def outcome(attempt: Attempt) -> str:
    """How an attempt ended, in a few words."""
    parts = [str(attempt.status_code or attempt.outcome), attempt.reason]
    return ", ".join(part for part in parts if part)


def attempts(output: Output, rows: list[Attempt]) -> None:
    columns = ("NUMBER", "STARTED", "OUTCOME", "STATUS", "REASON", "TOTAL MS", "LATE MS", "NEXT")
    output.rows(
        columns,
        rows,
        lambda row: (
            *(row.number, row.started_at, row.outcome, row.status_code),
            *(row.reason, row.total_ms, row.lateness_ms, row.next_at),
        ),
    )
