"""Schedules and what came of their instants."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from booper_client.models.model import Model


@dataclass(frozen=True, kw_only=True)
class LastResult(Model):
    """The latest run whose job completed or was discarded."""

    fire_at: datetime
    job_id: int
    state: str


@dataclass(frozen=True, kw_only=True)
class Health(Model):
    """How a schedule is doing. `success_rate`: of its last 60 runs, from 0 to 1."""

    state: str
    failures_in_a_row: int
    next_at: datetime | None = None
    last_result: LastResult | None = None
    success_rate: float | None = None


@dataclass(frozen=True, kw_only=True)
class Schedule(Model):
    """What makes a job for each of its instants. `args`: its fields as they were sent.

    `health` and `key` come with `expand`; `key` is None for a schedule that was created without one.
    """

    id: str
    inserted_at: datetime
    user_id: str
    frequency: dict[str, Any]
    args: dict[str, Any]
    name: str | None = None
    description: str | None = None
    disabled_at: datetime | None = None
    health: Health | None = None
    key: str | None = None

    @property
    def enabled(self) -> bool:
        return self.disabled_at is None


@dataclass(frozen=True, kw_only=True)
class Verdict(Model):
    """What `put` would do with the schedule of a key. `change`: `create`, `change` or `none`. `counts`: the account
    would have one more that is enabled and not finished."""

    key: str
    change: str
    counts: bool = False


@dataclass(frozen=True, kw_only=True)
class Run(Model):
    """What came of an instant of a schedule. `until` and `count`: of a row that stands for many instants."""

    fire_at: datetime
    status: str
    decided_at: datetime
    job_id: int | None = None
    lateness_ms: float | None = None
    until: datetime | None = None
    count: int | None = None


@dataclass(frozen=True, kw_only=True)
class Badge(Model):
    """How a schedule is doing (`state`: on time, late, failing (3), disabled, …), and where anybody may see it: `svg`
    and, for shields.io, `json`."""

    state: str
    svg: str
    json: str


@dataclass(frozen=True, kw_only=True)
class Preview(Model):
    """When a frequency would be due, and the same in words."""

    instants: list[datetime]
    description: str


@dataclass(frozen=True, kw_only=True)
class Calendar(Model):
    """Days on which schedules have no instant. `days` comes with `get` and `put`, `size` with `list`."""

    name: str
    schedules: int
    inserted_at: datetime
    updated_at: datetime
    days: list[Any] | None = None
    size: int | None = None


@dataclass(frozen=True, kw_only=True)
class Backfill(Model):
    """Past instants of a schedule that are made up for: `made` of `instants`, `left` to do."""

    id: str
    schedule_id: str
    state: str
    instants: int
    made: int
    passed_over: int
    left: int
    inserted_at: datetime
    job_id: int | None = None
    ended_at: datetime | None = None
