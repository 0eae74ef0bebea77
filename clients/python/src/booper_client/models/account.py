"""What else an account has: log entries, endpoints, signing keys, groups of targets, figures."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from booper_client.models.model import Model


@dataclass(frozen=True, kw_only=True)
class LogEntry(Model):
    """What happened to a job. `payload` depends on the `event`."""

    id: str
    event: str
    job_id: int
    inserted_at: datetime
    payload: dict[str, Any]
    user_id: str


@dataclass(frozen=True, kw_only=True)
class Endpoint(Model):
    """An address that receives the events of all jobs. `types`: which events; None for all."""

    id: str
    url: str
    enabled: bool
    inserted_at: datetime
    types: list[str] | None = None


@dataclass(frozen=True, kw_only=True)
class SigningKey(Model):
    """A key that signs what is sent."""

    id: str
    inserted_at: datetime
    live: bool
    ends_at: datetime | None = None
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class NewSigningKey(Model):
    """A key with its secret, which is shown this once; None in an answer that the server repeats."""

    id: str
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Target(Model):
    """An address of a group."""

    name: str
    url: str
    headers: dict[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Group(Model):
    """Targets under a name. A list of groups has their `size` alone."""

    name: str
    inserted_at: datetime
    updated_at: datetime
    targets: list[Target] | None = None
    size: int | None = None


@dataclass(frozen=True, kw_only=True)
class JobCounts(Model):
    """Each up to 10,001, for "more than 10,000"."""

    due: int
    running: int
    waiting: int
    failing: int


@dataclass(frozen=True, kw_only=True)
class Stats(Model):
    """What the overview of the dashboard shows; docs/api.md describes the members."""

    jobs: JobCounts
    minutes: list[dict[str, Any]]
    queue: dict[str, Any]
    workers: dict[str, Any]
    next_jobs: list[dict[str, Any]]
