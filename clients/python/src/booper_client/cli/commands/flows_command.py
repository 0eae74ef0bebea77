"""`booper flows`: how fast jobs go, and how many at once."""

from typing import Any

import click

from booper_client.cli.output import Output
from booper_client.cli.request_options import ORDER, rate_of
from booper_client.cli.session import Session
from booper_client.cli.session import command as shared
from booper_client.models.flow_control import Flow

FLOW = click.argument("flow")


@click.group("flows", short_help="Show, limit and pause flows.")
def command() -> None:
    """Show, limit and pause flows: jobs that share limits. FLOW is a key."""


def _rate(flow: Flow) -> str | None:
    return f"{flow.rate} per {flow.per_seconds:g} s" if flow.rate and flow.per_seconds else None


def _state(flow: Flow) -> str:
    if flow.paused:
        return "paused"
    return "resting" if flow.closed_until else "open"


def _cells(flow: Flow) -> tuple[Any, ...]:
    return (flow.key, _state(flow), flow.waiting, flow.under_way, _rate(flow), flow.concurrency, flow.next_at)


def _show(output: Output, flow: Flow) -> None:
    names = ("key", "state", "waiting", "under way", "rate", "concurrency", "next start")
    reason = [("reason", flow.paused.reason), ("paused until", flow.paused.until)] if flow.paused else []
    output.item(flow, [*zip(names, _cells(flow), strict=True), *reason])


@command.command("list")
@click.option("--text", help="Whose key contains this.")
@ORDER
@shared
def list_flows(session: Session, text: str | None, order_by: str | None) -> None:
    """List all flows."""
    columns = ("FLOW", "STATE", "WAITING", "UNDER WAY", "RATE", "CONCURRENCY", "NEXT")
    session.output.rows(columns, session.client.flows.list(text=text, order_by=order_by), _cells)


@command.command("get")
@FLOW
@shared
def get_flow(session: Session, flow: str) -> None:
    """Show a flow: its limits, and how they are used."""
    _show(session.output, session.client.flows.get(flow))


@command.command("set")
@FLOW
@click.option("--rate", metavar="N/SPAN", help="How many may start, such as 10/1m.")
@click.option("--concurrency", type=int, help="How many may be under way at once.")
@shared
def set_flow(session: Session, flow: str, rate: str | None, concurrency: int | None) -> None:
    """Set a flow's limits for good: orders change them no more."""
    if rate is None and concurrency is None:
        raise click.UsageError("Say which limit: --rate 10/1m, --concurrency 3, or both.")
    _show(session.output, session.client.flows.put(flow, concurrency=concurrency, **rate_of(rate)))


@command.command("pause")
@FLOW
@click.option("--until", metavar="TIME", help="When it goes on by itself.")
@click.option("--reason", help="Why, for those who look at it.")
@shared
def pause_flow(session: Session, flow: str, until: str | None, reason: str | None) -> None:
    """Let no job of a flow begin."""
    _show(session.output, session.client.flows.pause(flow, until=until, reason=reason))


@command.command("resume")
@FLOW
@shared
def resume_flow(session: Session, flow: str) -> None:
    """Let the jobs of a paused flow begin again."""
    _show(session.output, session.client.flows.resume(flow))


@command.command("reset")
@FLOW
@shared
def reset_flow(session: Session, flow: str) -> None:
    """Forget the starts that a flow's rate has counted."""
    _show(session.output, session.client.flows.reset(flow))


@command.command("unset")
@FLOW
@shared
def unset_flow(session: Session, flow: str) -> None:
    """Take a flow's limits away; orders may set them again."""
    _show(session.output, session.client.flows.unpin(flow))
