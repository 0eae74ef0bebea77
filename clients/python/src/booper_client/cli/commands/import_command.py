"""`booper import`: makes a file of schedules from another program's."""

import click


@click.group("import", short_help="Make a file of schedules from another program's.")
def command() -> None:
    """Make a file of schedules from another program's."""
