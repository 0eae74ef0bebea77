"""`booper logs`: requests and responses, also as they happen."""

import json
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import click

from booper_client.cli.output import printable
from booper_client.cli.request_options import ORDER
from booper_client.cli.session import Session
from booper_client.cli.session import command as shared
from booper_client.models.account import LogEntry

LOOK_EVERY_S = 1.0
REMEMBERED = 10_000
PAGE = 100
COLUMNS = ("WHEN", "EVENT", "JOB", "WHAT", "ID")


@click.group("logs", short_help="Show requests and responses, also as they happen.")
def command() -> None:
    """Show requests and responses, also as they happen."""


def filters(run: Any) -> Any:
    """The options that choose entries."""
    for option in (
        click.option("--schedule", "schedule_id", metavar="UUID", help="Of this schedule, by UUID."),
        click.option("--event", help="Only these, such as worker.http.error."),
        click.option("--job", "job_id", metavar="JOB", help="Of this job, by number or UUID."),
        click.option("--limit", "-n", type=click.IntRange(0), default=20, show_default=True, help="How many at most."),
    ):
        run = option(run)
    return run


def what(entry: LogEntry) -> str:
    """What happened, in a line."""
    payload = entry.payload
    for name in ("url", "status", "status_code", "error", "reason"):
        if payload.get(name) is not None:
            return str(payload[name])
    return json.dumps(payload, ensure_ascii=False)


def _cells(entry: LogEntry) -> tuple[Any, ...]:
    return (entry.inserted_at, entry.event, entry.job_id, what(entry), entry.id)


@command.command("list")
@filters
@ORDER
@shared
def list_entries(session: Session, limit: int, **options: Any) -> None:
    """List entries, the newest first."""
    session.output.rows(COLUMNS, islice(session.client.logs.list(**options), limit), _cells)


@command.command("get")
@click.argument("entry")
@shared
def get_entry(session: Session, entry: str) -> None:
    """Show an entry with all that it holds."""
    shown = session.client.logs.get(entry)
    names = ("when", "event", "job", "what", "id")
    session.output.item(shown, [*zip(names, _cells(shown), strict=True), ("payload", shown.payload)])


@command.command("tail")
@filters
@shared
def tail(session: Session, limit: int, **options: Any) -> None:
    """Show entries as they come, until Ctrl-C.

    Begins with the latest ones, as many as --limit says. With --json each entry
    is a line.
    """
    for entry in following(session, limit, options):
        if session.output.form == "json":
            click.echo(json.dumps(entry.raw, ensure_ascii=False))
        else:
            at = entry.inserted_at.astimezone() if session.output.form == "table" else entry.inserted_at
            click.echo(printable(f"{at:%Y-%m-%d %H:%M:%S}  {entry.event}  {entry.job_id}  {what(entry)}"))
        session.output.close()


def following(session: Session, limit: int, filters: dict[str, Any]) -> Iterator[LogEntry]:
    """The latest entries, then each that comes, once."""
    first = list(islice(session.client.logs.list(**filters), max(limit, PAGE)))  # all that a look may find again
    seen = dict.fromkeys(entry.id for entry in first)
    yield from reversed(first[:limit])
    while True:
        fresh = _fresh(session, filters, seen)
        seen |= dict.fromkeys(entry.id for entry in fresh)
        for identity in list(seen)[:-REMEMBERED]:
            del seen[identity]
        yield from reversed(fresh)
        time.sleep(LOOK_EVERY_S)


def _fresh(session: Session, filters: dict[str, Any], seen: dict[str, None]) -> list[LogEntry]:
    """What is not among those seen, page by page until a page has nothing new."""
    fresh: list[LogEntry] = []
    cursor: str | None = None
    while True:
        page = session.client.logs.page(limit=PAGE, cursor=cursor, **filters)
        new = [entry for entry in page if entry.id not in seen]
        fresh += new
        cursor = page.next_cursor
        if cursor is None or len(new) < len(page) or not seen:
            return fresh
