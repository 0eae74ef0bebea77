"""`booper schedules apply` and `export`: schedules that stand in a file."""

import click

from booper_client.cli.failures import WOULD_CHANGE
from booper_client.cli.files import plan, schedule_files
from booper_client.cli.session import Session, confirm, with_output
from booper_client.cli.session import command as shared


@click.command("apply")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--dry-run", is_flag=True, help="Show the plan alone; exit with 6 if something would change.")
@click.option("--prune", is_flag=True, help="Delete schedules that have a key and are not in the file.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@with_output
def apply_file(session: Session, file: str, dry_run: bool, prune: bool, yes: bool) -> int:
    """Make the server's schedules those of FILE, YAML or JSON.

    Shows what would change and asks. The same file changes nothing when it is
    applied again. A file with a mistake changes nothing at all.

    \b
    schedules:
      daily-report:
        method: post
        url: https://example.com/report
        cron: "0 9 * * 1-5"
        timezone: Europe/Berlin
    """
    wanted = schedule_files.read(file)
    made = plan.plan(session.client, wanted, prune)
    for line in plan.difference(made.steps):
        click.echo(line)
    click.echo(made.summary())
    if dry_run or not made.steps:
        return WOULD_CHANGE if made.steps else 0
    confirm(f"Make these {len(made.steps)} changes?", yes)
    for line in plan.carry_out(session.client, made.steps):
        session.output.note(line)
    return 0


@click.command("export")
@shared
def export_file(session: Session) -> None:
    """Print a file of all schedules that have a key, for `apply`.

    It holds headers as they are, also secret ones.
    """
    schedules = list(session.client.schedules.list(expand="key"))
    keyed = {each.key: each.args for each in schedules if each.key}
    click.echo(schedule_files.written(keyed, session.output.form == "json"), nl=False)
    if without := len(schedules) - len(keyed):
        click.echo(f"{without} schedules have no key and are left out.", err=True)
