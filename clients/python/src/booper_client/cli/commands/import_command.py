"""`booper import`: makes a file of schedules from another program's."""

from typing import TextIO

import click

from booper_client.cli.files import celery_beat, crontab, declaration_files
from booper_client.cli.files.imported import Imported


@click.group("import", short_help="Make a file of schedules from another program's.")
def command() -> None:
    """Make a file of schedules from another program's."""


@command.command("crontab")
@click.argument("file", type=click.File())
@click.option("--users", is_flag=True, help="Each line names a user, as in /etc/crontab.")
@click.option("--timezone", metavar="ZONE", help="Of the machine, where no CRON_TZ says it; default UTC.")
@click.option("--json", "as_json", is_flag=True, help="JSON in place of YAML.")
def import_crontab(file: TextIO, users: bool, timezone: str | None, as_json: bool) -> None:
    """Print schedules for the lines of FILE that call curl or wget.

    What is not carried over is named on standard error. Look through the file,
    then `booper schedules apply` it. `-` is standard input:

    \b
    crontab -l | booper import crontab - > schedules.yaml
    """
    _print(crontab.read(file.read(), users, timezone), as_json)


@command.command("celery-beat")
@click.argument("file", type=click.File())
@click.option("--url", required=True, metavar="URL", help="What queues a task that is POSTed to it.")
@click.option("--timezone", metavar="ZONE", help="Where FILE names none; default UTC, as Celery's.")
@click.option("--json", "as_json", is_flag=True, help="JSON in place of YAML.")
def import_celery_beat(file: TextIO, url: str, timezone: str | None, as_json: bool) -> None:
    """Print schedules for those of Celery in FILE.

    FILE is a module that sets `beat_schedule`, which is read and not run, or
    what `manage.py dumpdata django_celery_beat` prints. Each schedule POSTs its
    task to URL. What is not carried over is named on standard error.

    \b
    booper import celery-beat proj/celery.py --url https://example.com/tasks
    """
    _print(celery_beat.read(file.read(), url, timezone), as_json)


def _print(made: Imported, as_json: bool) -> None:
    click.echo(declaration_files.written({"schedules": made.schedules}, as_json), nl=False)
    for line in made.left_out:
        click.echo(f"not carried over: {line}", err=True)
