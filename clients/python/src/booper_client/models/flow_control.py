"""What may hold jobs back: flows, lanes, hosts and pauses. `waiting` counts due jobs, up to 10,001."""

from dataclasses import dataclass
from datetime import datetime

from booper_client.models.model import Model


@dataclass(frozen=True, kw_only=True)
class Pause(Model):
    """Since when, until when, and why."""

    at: datetime
    until: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Gate(Model):
    """What jobs have to pass. `closed_until`: when its pause or the rest that a target asked for is over."""

    waiting: int
    paused: Pause | None = None
    closed_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Flow(Gate):
    """A limit of how fast jobs go (`rate` per `per_seconds`) and of how many go at once (`concurrency`)."""

    key: str
    pinned: bool
    under_way: int
    inserted_at: datetime
    rate: int | None = None
    per_seconds: float | None = None
    concurrency: int | None = None
    started_in_window: int | None = None
    next_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Lane(Gate):
    """Jobs that go one after another. `on_failure`: `go_on` or `stop`."""

    key: str
    on_failure: str
    inserted_at: datetime


@dataclass(frozen=True, kw_only=True)
class Host(Gate):
    """A host of targets. `failures`: in a row. `next_probe_at`: if for these it gets nothing but probes."""

    host: str
    failures: int
    next_probe_at: datetime | None = None
