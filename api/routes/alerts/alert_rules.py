"""Serves /alerts: rules by which people are notified. No response shows the secret of a target."""

from collections.abc import Callable
from typing import Any

from flask import Response
from marshmallow import Schema, fields

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.alert_fields import AlertChange, NewAlert
from api.requests.fields import whole, words_form
from api.requests.idempotency import KEY_PARAMETER, respond_once
from api.requests.ids import uuid_in_path
from api.requests.reading.body import load_optional
from api.requests.reading.strict_schema import Strict
from api.responses import schemas
from api.responses.responses import ApiError, invalid, not_found, or_not_found, respond
from api.responses.timestamps import micros_utc
from models.alerts import alert_store, conditions, trial_messages
from models.alerts.alert_store import MAX_ALERTS, MAX_TARGETS, AlertRow, NotUnique, TooMany
from models.alerts.conditions import ACCOUNT, Options, Quiet
from models.alerts.trial_messages import AN_HOUR, TooManyTests
from models.alerts.ways import WAYS, Target
from models.jobs.job_json import compact
from models.jobs.job_store import JobRow
from models.rules import clock
from models.rules.clock import SECOND
from models.rules.redaction import REDACTED

blueprint = Blueprint("alerts", __name__, description="Who is notified when something goes wrong.")

OPTIONS = {  # by the names of requests
    "after": "after",
    "share": "share",
    "within": "within_us",
    "at_least": "at_least",
    "late_after": "late_after_us",
    "long_after": "long_after_us",
    "silent_after": "silent_after_us",
    "waiting_after": "waiting_after_us",
    "repeat_every": "repeat_us",
    "quiet": "quiet",
}
COLUMNS = {"name": "name", "on": "types", "scope": "scope", "enabled": "enabled", "muted_until": "muted_until"}


class Alert(Schema):
    id = fields.UUID()
    name = fields.String()
    on = fields.List(fields.String(metadata=words_form(conditions.ON)))
    scope = fields.Dict(metadata={"description": "One member: what is watched."})
    after = fields.Integer()
    share = fields.Float(allow_none=True, metadata={"description": "Of the jobs that end within `within`; null: none."})
    within = fields.Float(metadata={"description": "Seconds."})
    at_least = fields.Integer(metadata={"description": "How many jobs have to end within `within` for a share."})
    late_after = fields.Float(metadata={"description": "Seconds."})
    long_after = fields.Float(metadata={"description": "Seconds."})
    silent_after = fields.Float(metadata={"description": "Seconds."})
    waiting_after = fields.Float(metadata={"description": "Seconds."})
    repeat_every = fields.Float(allow_none=True, metadata={"description": "Seconds."})
    quiet = fields.Dict(allow_none=True)
    to = fields.List(fields.Dict(), metadata={"description": "Each with one member; secrets are hidden."})
    enabled = fields.Boolean()
    muted_until = schemas.instant(allow_none=True)
    inserted_at = schemas.instant()


class TestFields(Strict):
    """What POST /alerts/{id}/test takes. `target`: the place of one in `to`, from 0; absent: all."""

    target = whole(0, MAX_TARGETS - 1)


class SentTest(Schema):
    way = fields.String(metadata=words_form(WAYS))
    job_id = fields.UUID(metadata={"description": "The job that sends it."})


def shape(alert: AlertRow) -> dict[str, Any]:
    options = alert.options
    return {
        "id": alert.uuid,
        "name": alert.name,
        "on": list(alert.types),
        "scope": scope_shape(alert.scope),
        "after": options.after,
        "share": options.share,
        "within": options.within_us / SECOND,
        "at_least": options.at_least,
        "late_after": options.late_after_us / SECOND,
        "long_after": options.long_after_us / SECOND,
        "silent_after": options.silent_after_us / SECOND,
        "waiting_after": options.waiting_after_us / SECOND,
        "repeat_every": None if options.repeat_us is None else options.repeat_us / SECOND,
        "quiet": quiet_shape(options.quiet),
        "to": [{target.way: target.shown} for target in alert.targets],
        "enabled": alert.enabled,
        "muted_until": micros_utc(alert.muted_until),
        "inserted_at": micros_utc(alert.created_at),
    }


def scope_shape(scope: tuple[str, str]) -> dict[str, Any]:
    kind, key = scope
    return {kind: True if kind == ACCOUNT else key}


def quiet_shape(quiet: Quiet | None) -> dict[str, str] | None:
    if quiet is None:
        return None
    return {"from": _clock(quiet.start), "to": _clock(quiet.end), "timezone": quiet.timezone}


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


@blueprint.route("/alerts", methods=["POST"])
@blueprint.doc(parameters=[KEY_PARAMETER])
@blueprint.arguments(NewAlert())
@blueprint.response(201, schemas.single(Alert))
@blueprint.alt_response(
    409,
    schema=schemas.ErrorResponse,
    description=f"The account has {MAX_ALERTS} alert rules, or `unique` is true and one has this name.",
)
def create_alert(values: dict[str, Any]) -> Response:
    """Add a rule. It looks at what happens from now on."""
    return respond_once(values, lambda now: _create(values, now))


def _create(values: dict[str, Any], now: int) -> tuple[int, str]:
    try:
        alert = alert_store.create(caller().account_id, new_rule(values), now, values["unique"])
    except NotUnique:
        raise ApiError(409, "There is a rule of this name; change it, or leave `unique` out.") from None
    except TooMany:
        raise ApiError(409, f"There may be at most {MAX_ALERTS} alert rules; delete one of them first.") from None
    return 201, compact({"data": shape(alert)})


@blueprint.route("/alerts", methods=["GET"])
@blueprint.response(200, schemas.list_of(Alert))
def list_alerts() -> Response:
    """Every rule, oldest first."""
    return respond({"data": [shape(alert) for alert in alert_store.listed(caller().account_id)]})


@blueprint.route("/alerts/<key>", methods=["GET"])
@blueprint.response(200, schemas.single(Alert))
def get_alert(key: str) -> Response:
    """One rule."""
    return respond({"data": shape(_alert_of(key))})


@blueprint.route("/alerts/<key>", methods=["PATCH"])
@blueprint.arguments(AlertChange())
@blueprint.response(200, schemas.single(Alert))
def change_alert(values: dict[str, Any], key: str) -> Response:
    """Change the members that the request names. A rule that looks for something else begins anew."""
    present = _alert_of(key)
    changes = rule_values(values, present)
    alert = alert_store.change(caller().account_id, present.uuid, changes, clock.now())
    return respond({"data": shape(or_not_found(alert))})


@blueprint.route("/alerts/<key>", methods=["DELETE"])
@blueprint.response(204)
def delete_alert(key: str) -> Response:
    """Delete a rule. Its incidents close and stay to be read."""
    if not alert_store.delete(caller().account_id, uuid_in_path(key), clock.now()):
        raise not_found()
    return Response(status=204)


@blueprint.route("/alerts/<key>/test", methods=["POST"])
@blueprint.doc(parameters=[KEY_PARAMETER], requestBody=schemas.body_of(TestFields, required=False))
@blueprint.response(200, schemas.list_of(SentTest))
@blueprint.alt_response(429, schema=schemas.ErrorResponse, description="So many were sent within the hour.")
def send_test(key: str) -> Response:
    """Send a test message to each target of the rule, or to one of them."""
    alert, values = _alert_of(key), load_optional(TestFields())
    return respond_once(values, lambda now: _sent_test(alert, values.get("target"), now))


def _sent_test(alert: AlertRow, place: int | None, now: int) -> tuple[int, str]:
    ways = [target.way for target in alert.targets]
    if place is not None and place >= len(ways):
        raise invalid({"target": [f"must be less than {len(ways)}, the number of targets, got {place}"]})
    jobs = tested(lambda: trial_messages.send(caller().account_id, alert.id, alert.name, now, place), now)
    chosen = ways if place is None else [ways[place]]
    sent = [{"way": way, "job_id": str(job.uuid)} for way, job in zip(chosen, jobs, strict=False)]
    return 200, compact({"data": sent})


def tested(send: Callable[[], list[JobRow]], now: int) -> list[JobRow]:
    """What `send` returns; 429 if the account has sent too many."""
    try:
        return send()
    except TooManyTests as error:
        text = f"An account may send {AN_HOUR} test messages an hour; nothing was sent."
        raise ApiError(429, text, headers={"Retry-After": str((error.free_at - now) // SECOND + 1)}) from None


def new_rule(values: dict[str, Any]) -> dict[str, Any]:
    """The fields of a new rule, by the names of AlertRow."""
    return {"scope": (ACCOUNT, "")} | rule_values(values)


def rule_values(values: dict[str, Any], present: AlertRow | None = None) -> dict[str, Any]:
    """The fields of a rule that a request sets, by the names of AlertRow. 422 for a hidden address of no target."""
    changes = {column: values[name] for name, column in COLUMNS.items() if name in values}
    options = {column: values[name] for name, column in OPTIONS.items() if name in values}
    if options or present is None:
        changes["options"] = (present.options if present else Options())._replace(**options)
    if "to" in values:
        changes["targets"] = _whole_targets(values["to"], present.targets if present else ())
    return changes


def replacement(name: str, values: dict[str, Any], present: AlertRow | None) -> AlertRow:
    """The rule as it would be with exactly these values: what they leave out has its default."""
    targets = _whole_targets(values["to"], present.targets if present else ())
    changes = new_rule({key: value for key, value in values.items() if key != "to"}) | {"targets": tuple(targets)}
    own = {"id": 0, "uuid": "", "name": name, "muted_until": None, "created_at": 0}
    return AlertRow(**({**own, **changes}))


def _whole_targets(targets: list[Target], present: tuple[Target, ...]) -> list[Target]:
    """The targets, with the secrets of those that the request names as they are shown."""
    left, whole = list(present), []
    for place, target in enumerate(targets):
        if target.url != REDACTED:
            whole.append(target)
            continue
        match = next((each for each in left if each.way == target.way and each.shown == target.secret), None)
        if match is None:
            expected = "must be a whole address, or as it is shown to leave it as it is"
            raise invalid({f"to.{place}.{target.way}": [f"{expected}, got {REDACTED}"]})
        left.remove(match)
        whole.append(match)
    return whole


def _alert_of(key: str) -> AlertRow:
    return or_not_found(alert_store.find(caller().account_id, uuid_in_path(key)))
