"""`booper profiles`: the servers that `login` has kept."""

import click

from booper_client.cli import profiles


@click.command("profiles")
def command() -> None:
    """List the servers that `login` has kept."""
    for name, profile in profiles.read().items():
        click.echo(f"{name}\t{profile.url}")
