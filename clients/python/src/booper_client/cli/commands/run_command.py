"""`booper run METHOD URL`: orders a request."""

import time
from typing import Any

import click

from booper_client.cli import job_views
from booper_client.cli.failures import FAILED
from booper_client.cli.option_names import TARGET
from booper_client.cli.request_options import check_target, fields_of, request_options
from booper_client.cli.session import Session, with_output
from booper_client.models.jobs import Job

LOOK_EVERY_S = 0.25


@click.command("run")
@click.argument("method")
@click.argument("url", required=False)
@click.option("--group", metavar="NAME", help="In place of URL: a job for each target of this group.")
@request_options()
@click.option("--watch", "-w", is_flag=True, help="Wait until the job has ended, and show its attempts.")
@with_output
def command(session: Session, method: str, url: str | None, group: str | None, watch: bool, **options: Any) -> int:
    """Order an HTTP request, for now or for later.

    \b
    booper run get https://example.com/
    booper run post https://example.com/ -d name=Ada --in '30 seconds'
    booper run post https://example.com/ --json @body.json --cron '0 9 * * 1-5'

    For JSON output add `-o json`: here --json is the body.
    """
    check_target(url, group)
    fields: Any = {"method": method.lower(), **fields_of(options, **TARGET)}
    if url is None:
        return _of_group(session, str(group), watch, fields)
    job = session.client.jobs.create(**{"url": url, **fields})
    if job.existed:
        session.output.note("This order was there already.")
    if not watch:
        job_views.show(session.output, job)
        return 0
    return watched(session, job)


def _of_group(session: Session, group: str, watch: bool, fields: Any) -> int:
    """Order a request for each target, and list them."""
    if watch:
        raise click.UsageError("--watch waits for one job, and --group makes several.")
    jobs = session.client.jobs.create_for_group(**{"group": group, **fields})
    session.output.rows(job_views.COLUMNS, jobs, job_views.cells)
    return 0


def watched(session: Session, job: Job) -> int:
    """Wait for its end; 0 if it completed."""
    seen = 0
    while not (current := session.client.jobs.get(job, expand="last_attempt")).is_final:
        seen = _progress(session, current, seen)
        time.sleep(LOOK_EVERY_S)
    _progress(session, current, seen)
    job_views.show(session.output, current)
    return 0 if current.state == "completed" else FAILED


def _progress(session: Session, job: Job, seen: int) -> int:
    """Say once that the state has changed or an attempt has ended."""
    attempt = job.last_attempt
    if attempt is None or attempt.number <= seen:
        return seen
    session.output.note(f"Attempt {attempt.number}: {job_views.outcome(attempt)}")
    return attempt.number
