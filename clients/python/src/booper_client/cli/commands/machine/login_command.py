"""`booper login`: keeps the URL and the key of a server."""

import sys

import click

from booper_client import Client
from booper_client.cli import profiles
from booper_client.cli.failures import NO_KEY, Refusal
from booper_client.errors import UnauthenticatedError


@click.command("login")
@click.option("--url", help="Of the server, such as https://booper.example.com.")
@click.option("--profile", default=profiles.DEFAULT, show_default=True, help="A name for it.")
def command(url: str | None, profile: str) -> None:
    """Keep the URL and the key of a server.

    Asks for what is missing. In a pipe the key is read from standard input:

    \b
    booper login --url https://booper.example.com < key-file
    """
    terminal = sys.stdin.isatty()
    if not url:
        if not terminal:
            raise click.UsageError("Add --url: there is no terminal to ask on.")
        url = click.prompt("URL", default="http://127.0.0.1:8000", err=True)
    key = click.prompt("Key", hide_input=True, err=True) if terminal else sys.stdin.readline()
    kept = profiles.Profile(url, key.strip())
    check(kept)
    profiles.write({**profiles.read(), profile: kept})
    click.echo(f"Kept as {profile} in {profiles.path()}")


def check(profile: profiles.Profile) -> None:
    """Ask the server, so that a wrong key is not kept."""
    if not profile.key:
        raise Refusal("there is no key on standard input", NO_KEY)
    with Client(profile.url, profile.key) as client:
        try:
            client.stats()
        except UnauthenticatedError:
            raise Refusal(f"{profile.url} does not take this key", NO_KEY) from None
