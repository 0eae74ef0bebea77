"""Jobs, their attempts, why they wait, and what is done to many of them. Durations are in milliseconds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from booper_client.models.model import Model

FINAL = ("completed", "discarded", "cancelled")


@dataclass(frozen=True, kw_only=True)
class Attempt(Model):
    """One request that a job sent, and how it ended. `reason`: why it failed. `next_at`: when the next one is due."""

    number: int
    started_at: datetime
    finished_at: datetime
    outcome: str
    lateness_ms: float | None = None
    status_code: int | None = None
    reason: str | None = None
    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    first_byte_ms: float | None = None
    total_ms: float | None = None
    next_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class JobState(Model):
    """Where a job is in its life, and since when."""

    id: int
    state: str
    inserted_at: datetime
    scheduled_at: datetime
    attempted_at: datetime | None = None
    cancelled_at: datetime | None = None
    completed_at: datetime | None = None
    discarded_at: datetime | None = None
    has_confict: bool = False  # the server spells it so


@dataclass(frozen=True, kw_only=True)
class Job(Model):
    """A request that was ordered. `args`: its fields as they were sent. What follows `kind` comes with `expand`."""

    id: str
    job_id: int
    job: JobState
    args: dict[str, Any]
    inserted_at: datetime
    user_id: str
    name: str | None = None
    description: str | None = None
    idempotency_key: str | None = None
    schedule_id: str | None = None
    kind: str | None = None
    last_attempt: Attempt | None = None
    replay_of: str | None = None
    replays: list[str] | None = None

    @property
    def state(self) -> str:
        """`available`, `scheduled`, `executing`, `retryable`, `completed`, `discarded` or `cancelled`."""
        return self.job.state

    @property
    def scheduled_at(self) -> datetime:
        return self.job.scheduled_at

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in FINAL

    @property
    def existed(self) -> bool:
        """Whether the order was a repetition, so that this is the job of the first one."""
        return self.job.has_confict

    @property
    def method(self) -> str:
        return str(self.args.get("method") or "get").upper()

    @property
    def url(self) -> str | None:
        return self.args.get("url")


@dataclass(frozen=True, kw_only=True)
class Reason(Model):
    """Why a job has not run, or how it ended. `code` does not change, `text` is for people."""

    code: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Operation(Model):
    """What is done to many jobs, and how far it is."""

    id: str
    action: str
    state: str
    filter: dict[str, Any]
    limit: int | None
    done: int
    failed: int
    left: int
    more_left: bool
    inserted_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Matches(Model):
    """How many jobs a filter matches. `more`: whether there may be more of them."""

    matches: int
    more: bool


@dataclass(frozen=True, kw_only=True)
class FailureGroup(Model):
    """Failed jobs of one state, host and reason."""

    state: str
    host: str
    reason: str
    jobs: int
    more: bool
    latest_at: datetime
    latest_job_id: int
