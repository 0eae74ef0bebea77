"""Makes schedules, new and changed, from checked requests for jobs that recur. Pure."""

from typing import Any

from api.requests.job_requests import TIMES, JobRequest, new_job, overlaid, stored_fields
from api.requests.reading.body import Fields
from api.requests.schedule_fields import FREQUENCY
from models.jobs.job_json import compact
from models.rules import bounds
from models.rules.clock import SECOND
from models.rules.recurrence import Frequency, first_from
from models.schedules.schedule_store import NewSchedule, ScheduleRow

DROPPED = {*TIMES, "idempotency_key"}
DEFAULTS = NewSchedule._field_defaults


def recurs(job_request: JobRequest) -> bool:
    return job_request.values.get("repeat_every") is not None or job_request.values.get("cron") is not None


def new_schedule(
    job_request: JobRequest, account_id: int, due_at: int, now: int, hops: int, key: str | None = None
) -> NewSchedule:
    """The schedule of a request. `due_at`: when the job would be due if it did not recur."""
    values = job_request.values
    catch_up_s, jitter_s = values.get("catch_up_seconds"), values.get("jitter_seconds")
    return NewSchedule(
        job=new_job(job_request, account_id, due_at, hops),
        frequency=frequency_text(job_request),
        first_at=first_at(job_request, due_at, now),
        key=key,
        jitter_us=(jitter_s or 0) * SECOND,
        overlap=values.get("overlap") or DEFAULTS["overlap"],
        misfire=values.get("misfire") or DEFAULTS["misfire"],
        catch_up_us=DEFAULTS["catch_up_us"] if catch_up_s is None else catch_up_s * SECOND,
        disable_after=values.get("disable_after_failures"),
    )


def frequency_text(job_request: JobRequest) -> str:
    """What a schedule shows as its frequency: the members as they were sent."""
    names = ("repeat_every",) if job_request.values.get("cron") is None else ("cron", "timezone")
    sent = {name: job_request.sent.get(name) for name in (*names, *bounds.NAMES)}
    return compact({name: value for name, value in sent.items() if value is not None})


def frequency(values: dict[str, Any]) -> Frequency:
    """The frequency in checked fields."""
    within = bounds.bounds_in(values)
    if values.get("cron") is None:
        return Frequency(every_us=values["repeat_every"], bounds=within)
    return Frequency(cron=values["cron"], timezone=values.get("timezone") or "UTC", bounds=within)


def first_at(job_request: JobRequest, due_at: int, now: int) -> int | None:
    """The first instant: `due_at`; by cron the first that fits, from `due_at` on if the request has a time, else after
    `now`. In both cases within the bounds; None when they leave none."""
    has_time = any(job_request.values.get(name) is not None for name in TIMES)
    earliest = due_at if has_time or job_request.values.get("cron") is None else now + 1
    return first_from(frequency(job_request.values), earliest)


def misplaced(sent: Fields) -> dict[str, list[str]]:
    """The errors of a change with a first time but without a frequency: it would not move the instants."""
    if any(sent.get(name) is not None for name in FREQUENCY):
        return {}
    return {
        name: ["must be absent without repeat_every or cron, got one"] for name in TIMES if sent.get(name) is not None
    }


def changed(row: ScheduleRow, sent: Fields) -> Fields:
    """The fields of a schedule after a change, unchecked. Null in `sent` removes a field."""
    fields = stored_fields(row, DROPPED)
    for name, other in (("repeat_every", "cron"), ("cron", "repeat_every"), ("url", "group"), ("group", "url")):
        if sent.get(name) is not None and other not in sent:
            fields.pop(other, None)
    if sent.get("repeat_every") is not None and "timezone" not in sent:
        fields.pop("timezone", None)
    return overlaid(fields, sent)
