"""Alert rules, the incidents that they open, and the status page."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from booper_client.models.model import Model


@dataclass(frozen=True, kw_only=True)
class Alert(Model):
    """A rule: what is watched (`scope`), what is a reason (`on`), and who is notified (`to`; secrets are hidden)."""

    id: str
    name: str
    on: list[str]
    scope: dict[str, Any]
    to: list[dict[str, str]] = field(repr=False)
    after: int
    enabled: bool
    inserted_at: datetime
    quiet: dict[str, str] | None = None
    muted_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class SentTest(Model):
    """A test message. `job_id`: the job that sends it."""

    way: str
    job_id: str


@dataclass(frozen=True, kw_only=True)
class Incident(Model):
    """What a rule has found. `affected` and `notifications` come with `get` and with a change."""

    id: str
    alert: str
    type: str
    title: str
    detail: str
    subject: str
    subjects: int
    flapping: bool
    opened_at: datetime
    closed_at: datetime | None = None
    acknowledged_at: datetime | None = None
    muted_until: datetime | None = None
    affected: list[dict[str, Any]] | None = None
    notifications: list[dict[str, Any]] | None = None

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


@dataclass(frozen=True, kw_only=True)
class StatusPage(Model):
    """A page on which others see how all schedules fare, without a key. `url`: None where there is no page."""

    url: str | None = None
