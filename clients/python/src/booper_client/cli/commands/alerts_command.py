"""`booper alerts`: who is notified when something goes wrong."""

from typing import Any

import click

from booper_client.cli.option_names import option_of
from booper_client.cli.request_options import FIELD, other_fields, span
from booper_client.cli.session import Session, confirm
from booper_client.cli.session import command as shared
from booper_client.models.alerts import Alert, SentTest

COLUMNS = ("ALERT", "STATE", "WATCHES", "ON", "TO", "ID")
ALERT = click.argument("alert")
WAYS = ("email", "slack", "discord", "teams", "ntfy", "pagerduty", "webhook")
SPANS = ("late_after", "long_after", "silent_after", "waiting_after", "repeat_every")
SCOPES = ("flow", "host", "label", "schedule")


@click.group("alerts", short_help="Say who is notified when something goes wrong.")
def command() -> None:
    """Say who is notified when something goes wrong. ALERT is a UUID."""


def options(run: Any) -> Any:
    """The options of a rule."""
    for option in (
        click.option("--repeat-every", metavar="SPAN", help="Notify again while it lasts."),
        click.option("--waiting-after", metavar="SPAN", help="`waiting`: how long due jobs wait."),
        click.option("--silent-after", metavar="SPAN", help="`silent`: how long nothing succeeds."),
        click.option("--long-after", metavar="SPAN", help="`long`: how long an attempt takes."),
        click.option("--late-after", metavar="SPAN", help="`late`: how late a job starts."),
        click.option("--after", type=click.IntRange(1), help="`failed`: how many in a row; default 1."),
        click.option("--schedule", metavar="KEY", help="Watch this schedule."),
        click.option("--label", help="Watch jobs with this label."),
        click.option("--host", help="Watch jobs to this host."),
        click.option("--flow", metavar="KEY", help="Watch this flow."),
        click.option("--on", multiple=True, metavar="REASON", help="failed, missed, late, long, silent, waiting, …"),
        FIELD,
        click.option("--to", multiple=True, metavar="WAY=ADDRESS", help=f"Who: {', '.join(WAYS)}."),
    ):
        run = option(run)
    return run


def fields_of(values: dict[str, Any], **places: str) -> dict[str, Any]:
    """The fields of the API; options that were left out are none. `places`: of fields that other options say."""
    scopes = {name: values[name] for name in SCOPES if values[name] is not None}
    if len(scopes) > 1:
        raise click.UsageError("--flow, --host, --label and --schedule exclude each other.")
    fields: dict[str, Any] = {name: span(values[name]) for name in SPANS if values[name] is not None}
    fields |= {"after": values["after"]} if values["after"] is not None else {}
    fields |= {"on": list(values["on"])} if values["on"] else {}
    fields |= ({"scope": scopes} if scopes else {}) | ({"to": targets(values["to"])} if values["to"] else {})
    places |= {name: option_of(name) for name in (*SPANS, "after", "on", "to")}
    if scopes:  # a whole account is a scope without an option
        places["scope"] = option_of(*scopes)
    return fields | other_fields(values["field"], places)


def targets(texts: tuple[str, ...]) -> list[dict[str, str]]:
    """`email=ops@example.com` as a target."""
    pairs = [text.partition("=") for text in texts]
    if wrong := [text for text, (way, _, address) in zip(texts, pairs, strict=True) if way not in WAYS or not address]:
        raise click.BadParameter(
            f"must be WAY=ADDRESS, such as email=ops@example.com, got {wrong[0]!r}", param_hint="--to"
        )
    return [{way: address} for way, _, address in pairs]


def _cells(alert: Alert) -> tuple[Any, ...]:
    scope = " ".join(name if value is True else f"{name} {value}" for name, value in alert.scope.items())
    to = ", ".join(f"{way} {address}" for target in alert.to for way, address in target.items())
    return (alert.name, "enabled" if alert.enabled else "disabled", scope, ", ".join(alert.on), to, alert.id)


def _show(session: Session, alert: Alert) -> None:
    session.output.item(alert, zip(map(str.lower, COLUMNS), _cells(alert), strict=True))


@command.command("list")
@shared
def list_alerts(session: Session) -> None:
    """List all rules."""
    session.output.rows(COLUMNS, session.client.alerts.list(), _cells)


@command.command("get")
@ALERT
@shared
def get_alert(session: Session, alert: str) -> None:
    """Show a rule; secrets of its targets are hidden."""
    _show(session, session.client.alerts.get(alert))


@command.command("create")
@click.argument("name")
@options
@shared
def create_alert(session: Session, name: str, **values: Any) -> None:
    """Add a rule. It looks at what happens from now on.

    \b
    booper alerts create reports --to webhook=https://example.com/alerts \\
      --schedule daily-report --on failed --on missed
    """
    fields = fields_of(values, name="NAME")
    if "to" not in fields:
        raise click.UsageError("Say who is notified: --to email=ops@example.com.")
    _show(session, session.client.alerts.create(**{"name": name, **fields}))


@command.command("update")
@ALERT
@click.option("--name", help="Another name.")
@click.option("--enable/--disable", "enabled", default=None, help="Look at what happens, or not.")
@options
@shared
def update_alert(session: Session, alert: str, name: str | None, enabled: bool | None, **values: Any) -> None:
    """Change what the options say, and leave the rest."""
    fields = fields_of(values, name="--name", enabled="--enable/--disable")
    fields |= ({"name": name} if name else {}) | ({"enabled": enabled} if enabled is not None else {})
    if not fields:
        raise click.UsageError("Nothing to change: add an option, such as --disable.")
    _show(session, session.client.alerts.change(alert, **fields))


@command.command("test")
@ALERT
@click.option("--target", type=click.IntRange(0), metavar="PLACE", help="Only the target at this place, from 0 on.")
@shared
def send_test(session: Session, alert: str, target: int | None) -> None:
    """Send a test message to each target of a rule."""
    sent: list[SentTest] = session.client.alerts.test(alert, target=target)
    session.output.rows(("WAY", "JOB"), sent, lambda each: (each.way, each.job_id))


@command.command("delete")
@ALERT
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@shared
def delete_alert(session: Session, alert: str, yes: bool) -> None:
    """Delete a rule, and close its incidents."""
    confirm(f"Delete the alert rule {alert}?", yes)
    session.client.alerts.delete(alert)
    session.output.line(None, f"{alert} deleted")
