"""`booper failures`: what failed and nobody has run again."""

from itertools import islice
from typing import Any

import click

from booper_client.cli import job_views
from booper_client.cli.commands.jobs_command import filters
from booper_client.cli.session import Session
from booper_client.cli.session import command as shared
from booper_client.models.jobs import FailureGroup, Job

COLUMNS = ("JOB", "STATE", "ATTEMPT", "OUTCOME", "NEXT", "METHOD", "TARGET", "ID")


@click.command("failures")
@click.option("--groups", is_flag=True, help="How many, by state, host and reason.")
@click.option("--state", type=click.Choice(["discarded", "retryable"]), help="Given up, or still being tried.")
@filters
@shared
def command(session: Session, groups: bool, limit: int, everything: bool, **options: Any) -> None:
    """Show what failed and nobody has run again."""
    if groups:
        columns = ("STATE", "HOST", "REASON", "JOBS", "LATEST", "JOB")
        session.output.rows(columns, session.client.failures.groups(), _group_cells)
        return
    jobs = session.client.failures.list(**options)
    session.output.rows(COLUMNS, islice(jobs, None if everything else limit), _cells)


def _group_cells(group: FailureGroup) -> tuple[Any, ...]:
    jobs = f"{group.jobs}{'+' if group.more else ''}"
    return (group.state, group.host, group.reason, jobs, group.latest_at, group.latest_job_id)


def _cells(job: Job) -> tuple[Any, ...]:
    last = job.last_attempt
    ended = (last.number, job_views.outcome(last), last.next_at) if last else (None, None, None)
    return (job.job_id, job.state, *ended, job.method, job.url, job.id)
