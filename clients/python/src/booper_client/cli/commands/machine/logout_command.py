"""`booper logout`: forgets the URL and the key of a server."""

import click

from booper_client.cli import profiles
from booper_client.cli.failures import NOT_FOUND, Refusal


@click.command("logout")
@click.option("--profile", default=profiles.DEFAULT, show_default=True, help="Its name.")
def command(profile: str) -> None:
    """Forget the URL and the key of a server."""
    kept = profiles.read()
    if profile not in kept:
        raise Refusal(f"there is no profile {profile!r}", NOT_FOUND)
    profiles.write({name: each for name, each in kept.items() if name != profile})
    click.echo(f"Forgot {profile}")
