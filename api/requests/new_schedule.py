"""Owns the step from a checked order that recurs to the schedule it becomes, and to a changed one. Pure."""

import json
from typing import Any

from api.requests.body import Fields
from api.requests.job_requests import JSON_TYPE, JobRequest, new_job
from api.requests.schedule_fields import FREQUENCY
from models.jobs.job_json import compact
from models.rules.clock import SECOND
from models.rules.recurrence import Frequency, next_after
from models.schedules.schedule_store import NewSchedule, ScheduleRow

FIRST_TIME = ("schedule_in", "scheduled_at")
DROPPED = {*FIRST_TIME, "idempotency_key"}
DEFAULTS = NewSchedule._field_defaults


def recurs(order: JobRequest) -> bool:
    return order.values.get("repeat_every") is not None or order.values.get("cron") is not None


def new_schedule(
    order: JobRequest, account_id: int, due_at: int, now: int, hops: int, key: str | None = None
) -> NewSchedule:
    """The schedule of an order. `due_at`: when a job of this order would be due."""
    values = order.values
    catch_up_s, jitter_s = values.get("catch_up_seconds"), values.get("jitter_seconds")
    return NewSchedule(
        order=new_job(order, account_id, due_at, hops),
        frequency=frequency_text(order),
        first_at=first_at(order, due_at, now),
        key=key,
        jitter_us=(jitter_s or 0) * SECOND,
        overlap=values.get("overlap") or DEFAULTS["overlap"],
        misfire=values.get("misfire") or DEFAULTS["misfire"],
        catch_up_us=DEFAULTS["catch_up_us"] if catch_up_s is None else catch_up_s * SECOND,
        disable_after=values.get("disable_after_failures"),
    )


def frequency_text(order: JobRequest) -> str:
    """What a schedule shows as its frequency: as it was sent."""
    if order.values.get("cron") is None:
        return compact({"repeat_every": order.sent["repeat_every"]})
    zone = order.values.get("timezone")
    return compact({"cron": order.sent["cron"]} | ({"timezone": zone} if zone else {}))


def frequency(values: dict[str, Any]) -> Frequency:
    """The frequency that checked fields tell."""
    if values.get("cron") is None:
        return Frequency(every_us=values["repeat_every"])
    return Frequency(cron=values["cron"], timezone=values.get("timezone") or "UTC")


def first_at(order: JobRequest, due_at: int, now: int) -> int:
    """The first instant: that of the order; by cron the first one that fits, then or from now on."""
    if order.values.get("cron") is None:
        return due_at
    earliest = due_at if any(order.values.get(name) is not None for name in FIRST_TIME) else now + 1
    found = next_after(frequency(order.values), earliest - 1)
    if found is None:
        raise AssertionError("a checked expression names an instant")
    return found


def misplaced(sent: Fields) -> dict[str, list[str]]:
    """What is wrong with a change that tells a first time of no new frequency: the instants would stay as they are."""
    if any(sent.get(name) is not None for name in FREQUENCY):
        return {}
    return {
        name: ["must be absent without repeat_every or cron, got one"]
        for name in FIRST_TIME
        if sent.get(name) is not None
    }


def changed(row: ScheduleRow, sent: Fields) -> Fields:
    """The fields of a schedule with those sent in their place; null takes one away. To be checked as a whole."""
    fields = Fields({name: value for name, value in json.loads(row.args).items() if name not in DROPPED})
    if row.body is not None:
        text = row.body.decode()
        fields["body"], fields.body_text = (json.loads(text), text) if row.content_type == JSON_TYPE else (text, None)
    if "body" in sent:
        fields.body_text = sent.body_text
    for name, other in (("repeat_every", "cron"), ("cron", "repeat_every")):
        if sent.get(name) is not None and other not in sent:
            fields.pop(other, None)
    if sent.get("repeat_every") is not None and "timezone" not in sent:
        fields.pop("timezone", None)
    fields.update(sent)
    kept = Fields({name: value for name, value in fields.items() if value is not None})
    kept.body_text = fields.body_text
    return kept
