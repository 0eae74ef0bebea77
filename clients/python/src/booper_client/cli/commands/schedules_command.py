"""`booper schedules`: makes schedules, and shows what came of them."""

from itertools import islice
from typing import Any

import click

from booper_client.cli import job_views, schedule_views
from booper_client.cli.commands.backfill_commands import backfill, backfills
from booper_client.cli.commands.declaration_files_commands import apply_file, export_file
from booper_client.cli.option_names import TARGET
from booper_client.cli.request_options import ORDER, check_target, fields_of, request_options, span
from booper_client.cli.session import Session, confirm, with_output
from booper_client.cli.session import command as shared

SCHEDULE = click.argument("schedule")
LIMIT = click.option("--limit", "-n", type=click.IntRange(1), default=20, show_default=True, help="How many at most.")


@click.group("schedules", short_help="Make schedules, and see what came of them.")
def command() -> None:
    """Make schedules, and see what came of them. SCHEDULE is a key or a UUID."""


@command.command("list")
@ORDER
@shared
def list_schedules(session: Session, order_by: str | None) -> None:
    """List all schedules with their next instants."""
    schedules = session.client.schedules.list(order_by=order_by, expand=schedule_views.EXPAND)
    session.output.rows(schedule_views.COLUMNS, schedules, schedule_views.cells)


@command.command("get")
@SCHEDULE
@shared
def get_schedule(session: Session, schedule: str) -> None:
    """Show a schedule and how it is doing."""
    schedule_views.show(session.output, session.client.schedules.get(schedule, expand=schedule_views.EXPAND))


@command.command("create")
@click.argument("method")
@click.argument("url", required=False)
@click.option("--group", metavar="NAME", help="In place of URL: each target of this group.")
@click.option("--key", metavar="KEY", help="Its key: the same command then changes the schedule of this key.")
@request_options(of_schedule=True)
@with_output
def create_schedule(
    session: Session, method: str, url: str | None, group: str | None, key: str | None, **options: Any
) -> None:
    """Make a schedule that sends METHOD URL.

    \b
    booper schedules create post https://example.com/report \\
      --key daily-report --cron '0 9 * * 1-5' --timezone Europe/Berlin

    For JSON output add `-o json`: here --json is the body.
    """
    check_target(url, group)
    target = {"url": url} if group is None else {"group": group}
    fields = {"method": method.lower(), **target, **fields_of(options, **TARGET)}
    if not {"cron", "repeat_every"} & fields.keys():
        raise click.UsageError("Say when: --cron '0 9 * * 1-5', or --every '5 minutes'.")
    schedules = session.client.schedules
    made = schedules.put(key, **fields) if key else schedules.create(**fields)
    schedule_views.show(session.output, schedules.get(made, expand=schedule_views.EXPAND))


@command.command("update")
@SCHEDULE
@click.option("--method", help="Another method.")
@click.option("--url", help="Another URL.")
@request_options(of_schedule=True)
@with_output
def update_schedule(session: Session, schedule: str, method: str | None, url: str | None, **options: Any) -> None:
    """Change what the options say, and leave the rest of a schedule."""
    named = {name: value for name, value in (("method", method), ("url", url)) if value}
    fields = fields_of(options, method="--method", url="--url") | named
    if not fields:
        raise click.UsageError("Nothing to change: add an option, such as --cron '0 8 * * *'.")
    changed = session.client.schedules.change(schedule, **fields)
    schedule_views.show(session.output, session.client.schedules.get(changed, expand=schedule_views.EXPAND))


@command.command("enable")
@SCHEDULE
@shared
def enable_schedule(session: Session, schedule: str) -> None:
    """Let a disabled schedule make jobs again."""
    session.output.line(session.client.schedules.enable(schedule), f"{schedule} enabled")


@command.command("disable")
@SCHEDULE
@shared
def disable_schedule(session: Session, schedule: str) -> None:
    """Stop a schedule from making jobs, and cancel those that wait."""
    session.output.line(session.client.schedules.disable(schedule), f"{schedule} disabled")


@command.command("delete")
@SCHEDULE
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@shared
def delete_schedule(session: Session, schedule: str, yes: bool) -> None:
    """Delete a schedule, and cancel its jobs that wait."""
    confirm(f"Delete the schedule {schedule}?", yes)
    session.client.schedules.delete(schedule)
    session.output.line(None, f"{schedule} deleted")


@command.command("run")
@SCHEDULE
@shared
def run_schedule(session: Session, schedule: str) -> None:
    """Make one more job of a schedule, at once."""
    job_views.show(session.output, session.client.schedules.run(schedule))


@command.command("runs")
@SCHEDULE
@click.option("--status", help="Only these, such as late or skipped_overlap.")
@ORDER
@LIMIT
@shared
def list_runs(session: Session, schedule: str, status: str | None, order_by: str | None, limit: int) -> None:
    """List what came of a schedule's instants, the latest first."""
    runs = islice(session.client.schedules.runs(schedule, status=status, order_by=order_by), limit)
    session.output.rows(("INSTANT", "STATUS", "JOB", "LATE MS", "COUNT"), runs, schedule_views.run_cells)


@command.command("preview")
@click.option("--cron", metavar="CRON", help="A cron expression.")
@click.option("--every", metavar="SPAN", help="An interval: '5 minutes'.")
@click.option("--timezone", metavar="ZONE", help="The time zone of --cron; default UTC.")
@click.option("--starts-at", metavar="TIME", help="No instant before this time.")
@click.option("--until", metavar="TIME", help="No instant after this time.")
@click.option("--exclude", metavar="DAYS", help="Days without an instant: 2026-12-24,2026-12-25.")
@click.option("--calendars", metavar="NAMES", help="Calendars whose days have none: holidays-at,plant.")
@click.option(
    "--from", "after", metavar="TIME", help="The instants after this time: 2026-01-31T09:00:00Z; default now."
)
@click.option("--count", "-n", type=click.IntRange(1, 100), default=10, show_default=True, help="How many.")
@shared
def preview(session: Session, every: str | None, **options: Any) -> None:
    """Show when a schedule would be due, without making one.

    \b
    booper schedules preview --cron '0 9 * * 1-5' --timezone Europe/Berlin
    """
    shown = session.client.schedules.preview(repeat_every=span(every), **options)
    session.output.item(
        shown, [("when", shown.description), *(("", f"{each:%Y-%m-%d %H:%M:%S} UTC") for each in shown.instants)]
    )


command.add_command(apply_file)
command.add_command(export_file)
command.add_command(backfill)
command.add_command(backfills)
