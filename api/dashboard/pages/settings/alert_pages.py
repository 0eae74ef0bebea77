"""Serves the page of alert rules and incidents, and the page of an incident."""

from typing import Any

from flask import Response, make_response, render_template, request
from marshmallow import ValidationError

from api.context import settings
from api.dashboard.blueprint import pages, redirect_to, visitor
from api.dashboard.errors import page_not_found
from api.dashboard.query import number_or_text, whole_number
from api.requests.alert_fields import NewAlert
from api.requests.reading.strict_schema import flat
from api.routes.alerts.alert_rules import new_rule, tested
from models.alerts import alert_store, evaluation, incident_store, messages, status_pages, trial_messages, ways
from models.alerts.alert_store import MAX_ALERTS, AlertRow, TooMany
from models.alerts.conditions import ACCOUNT, ON, ON_BY_DEFAULT, SCHEDULE, SCOPES
from models.alerts.messages import CLOSED, OPENED, IncidentRow, Message
from models.database.ids import is_uuid
from models.database.paging import PageRequest
from models.rules import clock
from models.schedules import schedule_store
from models.schedules.schedule_store import ScheduleRow

LISTED = 20  # incidents on the page of rules
DEFAULTS = {"on": ON_BY_DEFAULT, "scope": ACCOUNT, "after": "1", "way": ways.WEBHOOK}
PLACES = ("", "2", "3")  # at the end of the names of the inputs of a target; the API takes more of them
SPANS = {  # durations, and what an input of one is called
    "within": "Within",
    "late_after": "Late after",
    "long_after": "Long after",
    "silent_after": "Silent after",
    "waiting_after": "Waiting after",
    "repeat_every": "Repeat every",
}


@pages.get("/alerts")
def list_alerts() -> Response:
    return _page(DEFAULTS, {}, 200)


@pages.post("/alerts")
def add_alert() -> Response:
    form: dict[str, Any] = {name: value.strip() for name, value in request.form.items() if name != "csrf"}
    form["on"] = request.form.getlist("on")
    try:
        rule = new_rule(NewAlert().load(_fields_of(form)))
        alert_store.create(visitor().account_id, rule, clock.now())
    except ValidationError as error:
        return _page(form, _by_input(error, form), 422)
    except TooMany:
        return _page(
            form, {"name": [f"An account may have at most {MAX_ALERTS} rules. Remove one of them first."]}, 409
        )
    return redirect_to("list_alerts", "saved")


@pages.post("/alerts/<key>/test")
def test_rule(key: str) -> Response:
    """Send a test message to the target at a place of the rule, or to each."""
    rule, place, now = _rule(key), whole_number(request.form.get("target", ""), -1), clock.now()
    chosen = place if 0 <= place < len(rule.targets) else None
    tested(lambda: trial_messages.send(visitor().account_id, rule.id, rule.name, now, chosen), now)
    return redirect_to("list_alerts", "tested")


@pages.post("/alerts/<key>/enable")
def enable_alert(key: str) -> Response:
    return _set_enabled(key, True)


@pages.post("/alerts/<key>/disable")
def disable_alert(key: str) -> Response:
    return _set_enabled(key, False)


@pages.post("/alerts/<key>/remove")
def remove_alert(key: str) -> Response:
    alert_store.delete(visitor().account_id, _rule(key).uuid, clock.now())
    return redirect_to("list_alerts", "deleted")


@pages.post("/alerts/status-page")
def renew_status_page_here() -> Response:
    status_pages.renew(visitor().account_id, clock.now())
    return redirect_to("list_alerts", "saved")


@pages.post("/alerts/status-page/remove")
def revoke_status_page_here() -> Response:
    status_pages.revoke(visitor().account_id)
    return redirect_to("list_alerts", "deleted")


@pages.get("/incidents/<key>")
def show_incident(key: str) -> Response:
    incident = _incident(key)
    affected = incident_store.subjects_of(incident.id)
    schedules = evaluation.watched_schedules({each.subject for each in affected if is_uuid(each.subject)})
    shown = {
        "incident": incident,
        "headline": headline_of(incident),
        "is_muted": _is_muted(incident, clock.now()),
        "affected": affected,
        "names": {key: schedule.title for key, schedule in schedules.items()},
        "notifications": incident_store.notifications_of(incident.id),
    }
    return make_response(render_template("incident.html", **shown))


@pages.post("/incidents/<key>/acknowledge")
def acknowledge_incident_here(key: str) -> Response:
    incident_store.acknowledge(visitor().account_id, _incident(key).uuid, clock.now())
    return redirect_to("show_incident", "saved", key=key)


@pages.post("/incidents/<key>/mute")
def mute_incident_here(key: str) -> Response:
    """Mute the incident for a day, or unmute it if it is muted."""
    incident, now = _incident(key), clock.now()
    until = None if _is_muted(incident, now) else now + clock.DAY
    incident_store.mute(visitor().account_id, incident.uuid, until, now)
    return redirect_to("show_incident", "saved", key=key)


@pages.post("/incidents/<key>/close")
def close_incident_here(key: str) -> Response:
    incident_store.close(visitor().account_id, _incident(key).uuid, clock.now())
    return redirect_to("show_incident", "saved", key=key)


def headline_of(incident: IncidentRow) -> str:
    """What the message about its opening or its end says."""
    message_type = OPENED if incident.closed_at is None else CLOSED
    return messages.headline(Message(message_type, incident.alert_name, [incident], clock.now()))


def _fields_of(form: dict[str, Any]) -> dict[str, Any]:
    """The request that the form stands for. What is left empty is left out."""
    scope = form.get("scope", ACCOUNT)
    return {
        "name": form.get("name", ""),
        "on": form["on"],
        "scope": {scope: True if scope == ACCOUNT else form.get("scope_key", "")},
        "after": number_or_text(form.get("after", "")),
        "to": [{form.get(f"way{place}", ""): form.get(f"address{place}", "")} for place in _filled(form)],
        **{name: form[name] for name in SPANS if form.get(name)},
        **({"share": _share(form["share"])} if form.get("share") else {}),
        **({"at_least": number_or_text(form["at_least"])} if form.get("at_least") else {}),
    }


def _filled(form: dict[str, Any]) -> list[str]:
    """The places of the targets that have an address; the first has to have one."""
    return [place for place in PLACES if place == "" or form.get(f"address{place}")]


def _share(text: str) -> float | str:
    """The number that a text spells; any other text as it is, for a schema to refuse."""
    try:
        return float(text)
    except ValueError:
        return text


def _by_input(error: ValidationError, form: dict[str, Any]) -> dict[str, list[str]]:
    """The errors by the name of the input: `to.0.slack` belongs to the first address, `scope.label` to the key."""
    errors: dict[str, list[str]] = {}
    for path, texts in flat(error.normalized_messages()):
        name, *rest = path.split(".")
        if name == "to":
            name = f"address{_filled(form)[int(rest[0])] if rest else ''}"
        errors.setdefault("scope_key" if name == "scope" else name, []).extend(texts)
    return errors


def _set_enabled(key: str, enabled: bool) -> Response:
    alert_store.change(visitor().account_id, _rule(key).uuid, {"enabled": enabled}, clock.now())
    return redirect_to("list_alerts", "saved")


def _rule(key: str) -> AlertRow:
    rule = alert_store.find(visitor().account_id, key) if is_uuid(key) else None
    if rule is None:
        raise page_not_found()
    return rule


def _incident(key: str) -> IncidentRow:
    incident = incident_store.find(visitor().account_id, key) if is_uuid(key) else None
    if incident is None:
        raise page_not_found()
    return incident


def _is_muted(incident: IncidentRow, now: int) -> bool:
    return (incident.muted_until or 0) > now


def _page(form: dict[str, Any], errors: dict[str, Any], status: int) -> Response:
    account_id = visitor().account_id
    text = render_template(
        "alerts.html",
        incidents=[(incident, headline_of(incident)) for incident in _open_first(account_id)],
        rules=[(rule, *_watched(account_id, *rule.scope)) for rule in alert_store.listed(account_id)],
        conditions=ON,
        scopes=SCOPES,
        spans=SPANS,
        places=PLACES,
        ways=[way for way in ways.WAYS if way != ways.EMAIL or settings().smtp_url],
        status_token=status_pages.token_of(account_id),
        form=form,
        errors=errors,
    )
    return make_response(text, status)


def _open_first(account_id: int) -> list[IncidentRow]:
    """The latest incidents that are open, then the latest that are closed."""
    latest = PageRequest(("opened_at", "desc"), LISTED)
    return [row for state in incident_store.STATES for row in incident_store.listed(account_id, state, latest).rows]


def _watched(account_id: int, kind: str, key: str) -> tuple[str, ScheduleRow | None]:
    """What a rule watches, in words; if that is a schedule that exists, its kind and the schedule."""
    if kind == ACCOUNT:
        return "all schedules", None
    if kind != SCHEDULE:
        return f"{kind} {key}", None
    schedule = schedule_store.find(account_id, key)
    return (kind, schedule) if schedule else ("a deleted schedule", None)
