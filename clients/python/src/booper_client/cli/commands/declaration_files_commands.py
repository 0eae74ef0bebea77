"""`booper schedules apply` and `export`: schedules and what belongs to them, as they stand in a file."""

import click

from booper_client import BooperError
from booper_client.cli.failures import WOULD_CHANGE
from booper_client.cli.files import declaration_files, plan
from booper_client.cli.files.difference import difference
from booper_client.cli.files.kinds.kind import Declarations
from booper_client.cli.files.kinds.registry import KINDS
from booper_client.cli.files.steps import Step
from booper_client.cli.session import Session, confirm, with_output
from booper_client.cli.session import command as shared


@click.command("apply")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--dry-run", is_flag=True, help="Show the plan alone; exit with 6 if something would change.")
@click.option("--prune", is_flag=True, help="Delete what is not in the file, of the kinds that it mentions.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@with_output
def apply_file(session: Session, file: str, dry_run: bool, prune: bool, yes: bool) -> int:
    """Make the server's schedules those of FILE, YAML or JSON.

    FILE may also have calendars, groups, flows, endpoints, channels and alerts.
    Shows what would change and asks. Deletes nothing without --prune. The same
    file changes nothing when it is applied again. A file with a mistake changes
    nothing at all.

    \b
    schedules:
      daily-report:
        method: post
        url: https://example.com/report
        cron: "0 9 * * 1-5"
        timezone: Europe/Berlin
    flows:
      shop-42: {rate: 10, per: 1m}
    """
    made = plan.plan(session.client, declaration_files.read(file), prune)
    for line in difference(made.steps):
        click.echo(line)
    click.echo(made.summary())
    if dry_run or not made.steps:
        return WOULD_CHANGE if made.steps else 0
    confirm(f"Make these {len(made.steps)} changes?", yes)
    carry_out(session, made.steps)
    return 0


def carry_out(session: Session, steps: list[Step]) -> None:
    """Do each step; if that breaks off, say what was made and what is left."""
    count = 0
    try:
        for count, line in enumerate(plan.carry_out(session.client, steps), 1):  # noqa: B007 - it is read afterwards
            session.output.note(line)
    except (BooperError, KeyboardInterrupt):
        click.echo("\n".join(plan.broken_off(steps, count)), err=True)
        raise


@click.command("export")
@click.option(
    "--only", multiple=True, type=click.Choice([kind.name for kind in KINDS]), help="This kind alone; may be repeated."
)
@shared
def export_file(session: Session, only: tuple[str, ...]) -> None:
    """Print a file of what there is, for `apply`.

    It holds headers as they are, also secret ones. The addresses of channels
    and alert rules are hidden; `apply` leaves those as they are.
    """
    declared: Declarations = {}
    for kind in KINDS:
        if not only or kind.name in only:
            named, left_out = kind.exported(session.client)
            declared |= {kind.name: named} if named or kind.name == "schedules" or only else {}
            if left_out:
                click.echo(f"{left_out} {kind.name} {kind.why_left_out} and are left out.", err=True)
    click.echo(declaration_files.written(declared, session.output.form == "json"), nl=False)
