"""Defines the bodies of requests that act on many jobs: a filter, and how many of its jobs.

A misspelled name must never act on everything: an unknown member is an error, null is one, and a filter that leaves
nothing out counts only with `all`.
"""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validates_schema

from api.requests.fields import Must, flag, number_form, shown, whole
from api.requests.ids import BIGGEST, uuid_key
from api.requests.job_filters import FilterFields
from api.requests.reading.strict_schema import Strict
from models.jobs.job_kinds import REQUEST
from models.jobs.states import FINAL, LIVE

EVERYTHING = {"kind": REQUEST}  # what a filter means that names no kind
MAX_IDS = 1000
MAX_LIMIT = 2**53
IDS = f"a list of 1 to {MAX_IDS} integers or UUIDs of jobs"
IDS_FORM = {
    "type": "array",
    "items": {"anyOf": [number_form(0, BIGGEST, "integer"), {"type": "string", "format": "uuid"}]},
    "minItems": 1,
    "maxItems": MAX_IDS,
}


def read_ids(value: Any) -> list[int | str]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_IDS:
        raise ValueError
    return [_job_key(key) for key in value]


def _job_key(key: Any) -> int | str:
    if type(key) is int and 0 <= key <= BIGGEST:
        return key
    uuid = uuid_key(key) if isinstance(key, str) else None
    if uuid is None:
        raise ValidationError(f"must be {IDS}, got {str(key)[:60]} among them")
    return uuid


class BulkFilter(FilterFields):
    """Which jobs; a member that is not set does not restrict."""

    ids = Must(IDS, read_ids, IDS_FORM)


class FilterObject(fields.Nested):
    """A filter within a body."""

    def __init__(self) -> None:
        null = "must be an object, got null"
        super().__init__(BulkFilter, load_default=EVERYTHING.copy, error_messages={"null": null})

    def _deserialize(self, value: Any, *arguments: Any, **options: Any) -> Any:
        if not isinstance(value, dict):
            raise ValidationError(f"must be an object, got {shown(value)}")
        return super()._deserialize(value, *arguments, **options)


class BulkFields(Strict):
    """What POST /jobs/retry takes."""

    filter = FilterObject()
    all = flag(load_default=False, metadata={"description": "True: an empty filter stands for all jobs."})
    limit = whole(1, MAX_LIMIT)
    dry_run = flag(load_default=False, metadata={"description": "True: only count."})

    states: tuple[str, ...] = ()  # those that the filter may name; empty: any

    @validates_schema(pass_original=True)
    def check_filter(self, data: dict[str, Any], original: dict[str, Any], **_: Any) -> None:
        named = original.get("filter") not in (None, {}, EVERYTHING)
        if not named and not data["all"]:
            raise ValidationError('must leave something out, or come with "all": true', "filter")
        if named and data["all"]:
            raise ValidationError("must be absent when a filter is given", "all")
        state = data["filter"].get("state")
        if self.states and state and state not in self.states:
            raise ValidationError({"filter.state": [f'must be one of {", ".join(self.states)} here, got "{state}"']})

    @post_load(pass_original=True)
    def keep_sent(self, data: dict[str, Any], original: dict[str, Any], **_: Any) -> dict[str, Any]:
        """With the filter as it was sent."""
        return {**data, "sent": original.get("filter") or {}}


class CancelFields(BulkFields):
    """What POST /jobs/cancel takes: jobs that have ended can't be cancelled."""

    states = LIVE


class DeleteFields(BulkFields):
    """What POST /jobs/delete takes: jobs that have not ended have to be cancelled first."""

    states = FINAL
