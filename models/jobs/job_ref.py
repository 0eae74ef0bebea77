"""Declares how a message names a job, and how that is written on the wire."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from models.jobs.job_kinds import is_follow_up

# An attempt that may take longer is long, and has slots of its own kind (workers/delivery/slots/slots.py).
LONG_MS = 900_000
Wire = tuple[int, int, str] | tuple[int, int, str, int]


class JobRef(NamedTuple):
    """A job as a message names it: its id, and what decides about a slot for it before it is claimed."""

    id: int
    account_id: int
    host: str  # of the target
    is_follow_up: bool = False
    is_long: bool = False

    def to_message(self) -> Wire:
        """The job as JSON: id, account, host. Of a follow-up the account's id is negated, on the wire alone; a long one
        has a fourth field."""
        account_id = -self.account_id if self.is_follow_up else self.account_id
        return (self.id, account_id, self.host, 1) if self.is_long else (self.id, account_id, self.host)

    @classmethod
    def from_message(cls, fields: Sequence[Any]) -> "JobRef":
        """The job that these fields of a message name."""
        job_id, account_id, host, *long = fields
        return cls(job_id, abs(account_id), host, account_id < 0, bool(long))


def ref_of(job_id: int, account_id: int, host: str, kind: str, timeout_ms: int = 0) -> JobRef:
    """The reference to a job of this kind."""
    return JobRef(job_id, account_id, host, is_follow_up(kind), timeout_ms > LONG_MS)
