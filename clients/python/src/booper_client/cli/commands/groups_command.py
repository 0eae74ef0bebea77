"""`booper groups`: targets under a name."""

from typing import Any

import click

from booper_client.cli.session import Session, confirm
from booper_client.cli.session import command as shared
from booper_client.models.account import Group

GROUP = click.argument("group")


@click.group("groups", short_help="Name targets that are called together.")
def command() -> None:
    """Name targets that are called together. GROUP is a name."""


def target(text: str) -> dict[str, Any]:
    """`NAME=URL` as a target."""
    name, equals, url = text.partition("=")
    if not (name and equals and "://" in url):
        raise click.BadParameter(f"must be NAME=URL, got {text!r}", param_hint="NAME=URL")
    return {"name": name, "url": url}


def _show(session: Session, group: Group) -> None:
    pairs = [("group", group.name), *((f"target {each.name}", each.url) for each in group.targets or [])]
    session.output.item(group, pairs)


@command.command("list")
@shared
def list_groups(session: Session) -> None:
    """List all groups."""
    columns = ("GROUP", "TARGETS", "CHANGED")
    session.output.rows(columns, session.client.groups.list(), lambda each: (each.name, each.size, each.updated_at))


@command.command("get")
@GROUP
@shared
def get_group(session: Session, group: str) -> None:
    """Show a group with its targets."""
    _show(session, session.client.groups.get(group))


@command.command("set")
@GROUP
@click.argument("targets", nargs=-1, required=True, metavar="NAME=URL...")
@shared
def set_group(session: Session, group: str, targets: tuple[str, ...]) -> None:
    """Make a group, or give it exactly these targets.

    \b
    booper groups set shops it=https://it.example.com de=https://de.example.com
    """
    _show(session, session.client.groups.put(group, list(map(target, targets))))


@command.command("delete")
@GROUP
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@shared
def delete_group(session: Session, group: str, yes: bool) -> None:
    """Delete a group; schedules that name it make no more jobs."""
    confirm(f"Delete the group {group}?", yes)
    session.client.groups.delete(group)
    session.output.line(None, f"{group} deleted")
