"""Serves the actions on a schedule: disable, enable, run now."""

from flask import Response

from api.auth import caller
from api.context import settings
from api.requests.idempotency import KEY_PARAMETER, respond_once
from api.requests.options.refusals import too_many
from api.requests.schedule_fields import not_computable
from api.responses import schemas, serializers
from api.responses.responses import or_not_found
from api.routes.schedules import Schedule, blueprint, key_in_path, schedule_response
from models.rules import clock
from models.schedules import schedule_changes
from models.schedules.schedule_changes import NotComputable, TooMany


@blueprint.route("/schedules/<key>/disable", methods=["POST"])
@blueprint.response(200, schemas.single(Schedule))
def disable_schedule(key: str) -> Response:
    """Stop making jobs and cancel those that wait; an executing one goes on."""
    return schedule_response(schedule_changes.disable(caller().account_id, key_in_path(key), clock.now()))


@blueprint.route("/schedules/<key>/enable", methods=["POST"])
@blueprint.response(200, schemas.single(Schedule))
@blueprint.alt_response(409, schema=schemas.ErrorResponse, description="Its next instant can't be computed.")
def enable_schedule(key: str) -> Response:
    """Make jobs again, from the next instant on."""
    account_id, limit = caller().account_id, settings().max_schedules
    try:
        return schedule_response(schedule_changes.enable(account_id, key_in_path(key), clock.now(), limit))
    except TooMany:
        raise too_many() from None
    except NotComputable:
        raise not_computable() from None


@blueprint.route("/schedules/<key>/run", methods=["POST"])
@blueprint.doc(parameters=[KEY_PARAMETER])
@blueprint.response(201, schemas.single(schemas.Job))
def run_schedule(key: str) -> Response:
    """Make a job of the schedule now, in addition to those of its instants."""
    return respond_once({}, lambda now: _run(key, now))


def _run(key: str, now: int) -> tuple[int, str]:
    owner = caller()
    row = or_not_found(schedule_changes.fire_now(owner.account_id, key_in_path(key), now))
    return 201, serializers.data(serializers.job(row, owner.user_id))
