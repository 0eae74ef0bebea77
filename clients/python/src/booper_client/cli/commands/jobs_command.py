"""`booper jobs`: lists, shows, cancels and repeats jobs."""

from itertools import islice
from typing import Any, get_args

import click

from booper_client.cli import job_views
from booper_client.cli.commands.run_command import watched
from booper_client.cli.request_options import FIELD, ORDER, other_fields
from booper_client.cli.session import Session
from booper_client.cli.session import command as shared
from booper_client.fields import Kind
from booper_client.models.jobs import FINAL

STATES = ("available", "scheduled", "executing", "retryable", *FINAL)
KINDS = get_args(Kind)
JOB = click.argument("job")
JOBS = click.argument("jobs", nargs=-1, required=True, metavar="JOB...")


@click.group("jobs", short_help="List, show, cancel and repeat jobs.")
def command() -> None:
    """List, show, cancel and repeat jobs. JOB is a number or a UUID."""


def filters(run: Any) -> Any:
    """The options that choose jobs."""
    for option in (
        click.option("--limit", "-n", type=click.IntRange(1), default=20, show_default=True, help="How many at most."),
        click.option("--all", "everything", is_flag=True, help="All of them, however many."),
        click.option("--before", metavar="TIME", help="Created before this time: 2026-01-31T09:00:00Z."),
        click.option("--after", metavar="TIME", help="Created at this time or later: 2026-01-31T09:00:00Z."),
        ORDER,
        click.option("--scheduled-before", metavar="TIME", help="Due before this time."),
        click.option("--scheduled-after", metavar="TIME", help="Due at this time or later."),
        click.option("--failed-before", metavar="TIME", help="Whose last attempt failed before this time."),
        click.option("--failed-after", metavar="TIME", help="Whose last attempt failed at this time or later."),
        click.option("--replayed/--not-replayed", default=None, help="That were run again, or were not."),
        click.option("--overdue", "due", flag_value="overdue", default=None, help="Due, and not sent yet."),
        click.option("--parent", metavar="JOB", help="That are about this job, by number or UUID."),
        click.option("--path", help="To this path of a URL; `*` at the end for any that begins so."),
        click.option("--url", help="To this URL; `*` at the end for any that begins so."),
        click.option("--text", help="Its URL or name contains this."),
        click.option("--reason", help="Why its last attempt failed, such as timeout or status_500."),
        click.option("--status-code", metavar="STATUS", help="Of its last attempt: 503, or 5xx."),
        click.option("--lane", metavar="KEY", help="Of this lane."),
        click.option("--flow", metavar="KEY", help="Of this flow."),
        click.option("--schedule", metavar="SCHEDULE", help="Of this schedule, by UUID or key."),
        click.option("--name", help="With this name; `*` at the end for any that begins so."),
        click.option("--host", help="To this host, such as example.com."),
        click.option("--kind", type=click.Choice(KINDS), metavar="KIND", help=f"One of {', '.join(KINDS)}."),
        click.option("--label", help="With this label; `customer:*` for any that begins so."),
    ):
        run = option(run)
    return run


@command.command("list")
@click.option("--state", type=click.Choice(STATES), metavar="STATE", help=f"One of {', '.join(STATES)}.")
@filters
@shared
def list_jobs(session: Session, limit: int, everything: bool, **options: Any) -> None:
    """List jobs, the newest first."""
    jobs = session.client.jobs.list(**options)
    session.output.rows(job_views.COLUMNS, islice(jobs, None if everything else limit), job_views.cells)


@command.command("get")
@JOB
@shared
def get_job(session: Session, job: str) -> None:
    """Show a job."""
    job_views.show(session.output, session.client.jobs.get(job, expand="last_attempt"))


@command.command("cancel")
@JOBS
@shared
def cancel_jobs(session: Session, jobs: tuple[str, ...]) -> None:
    """Cancel jobs. One that has ended stays as it is."""
    for job in jobs:
        cancelled = session.client.jobs.cancel(job)
        session.output.line(cancelled, f"{cancelled.job_id} {cancelled.state}")


@command.command("retry")
@JOBS
@FIELD
@shared
def retry_jobs(session: Session, jobs: tuple[str, ...], field: tuple[str, ...]) -> None:
    """Run jobs again: a new job with the same request, due now. --field takes the
    place of a part of the request, as in --field url=https://example.com/.
    """
    fields: Any = other_fields(field, {})
    for job in jobs:
        again = session.client.jobs.retry(job, **fields)
        session.output.line(again, f"{again.job_id} {again.state} {again.id}")


@command.command("explain")
@JOB
@shared
def explain_job(session: Session, job: str) -> None:
    """Say why a job has not run, or how it ended."""
    session.output.rows(("CODE", "WHY"), session.client.jobs.explain(job), lambda reason: (reason.code, reason.text))


@command.command("attempts")
@JOB
@shared
def list_attempts(session: Session, job: str) -> None:
    """Show every attempt of a job."""
    job_views.attempts(session.output, session.client.jobs.attempts(job))


@command.command("watch")
@JOB
@shared
def watch_job(session: Session, job: str) -> int:
    """Wait until a job has ended; exit with 0 if it completed, else 1."""
    return watched(session, session.client.jobs.get(job))
