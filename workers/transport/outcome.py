"""Declares what can come of sending one request: the types that the transport returns and the judge reads.

Who ends an attempt without the transport makes its outcome: the senders, for what can't be rendered or makes a set; the
way to a listener; and the ticker, for acknowledgements and listeners. Nothing here decides whether a job is done, tried
again or given up.
"""

import codecs
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

RefusedReason = Literal[
    "blocked_address", "blocked_url", "invalid_request", "body_too_large", "cancelled", "no_group", "mail_refused"
]
# "not_acknowledged" is the ticker's own word (workers/ticker/acknowledger.py): it was tried, and no end was reported.
# "listener_away" is too (workers/ticker/listener_results.py); "listener_full" comes before the request is handed over.
UnreachableReason = (
    Literal["timeout", "dns", "connect", "tls", "protocol", "reset", "blocked_address"]
    | Literal["not_acknowledged", "listener_away", "listener_full"]
)


@dataclass(slots=True)
class Timings:
    """Holds milliseconds. `dns_ms`, `connect_ms`, `tls_ms` are the length of each phase; `first_byte_ms` and
    `total_ms` count from the start of the attempt. None: not reached, or not needed because an open connection was used
    again."""

    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    first_byte_ms: float | None = None
    total_ms: float | None = None


@dataclass(slots=True)
class Answered:
    """The target said its final status. `body` is what was kept, unpacked where it was compressed; of one that is
    `truncated` more was to come, and one that is `unreadable` is cut where its framing could not be understood."""

    status_code: int
    headers: list[tuple[str, str]] = field(repr=False)
    body: bytes = field(repr=False)
    truncated: bool
    timings: Timings
    unreadable: bool = False

    def text(self, errors: str = "strict") -> str:
        """The body as UTF-8, without the beginning of a character that the cut goes through."""
        if not self.truncated:
            return self.body.decode("utf-8", errors)
        return codecs.getincrementaldecoder("utf-8")(errors).decode(self.body)


@dataclass(slots=True)
class Refused:
    """Booper did not send it, and would not at the next attempt either. `detail` is for the operator's log only."""

    reason: RefusedReason
    detail: str


@dataclass(slots=True)
class Unreachable:
    """It was tried, and no status came. `reason` and `detail` are for the operator; a tenant that could tell them
    apart could map a private network. `cause` is a code for the tenant, of targets with public addresses alone.
    """

    reason: UnreachableReason
    detail: str
    timings: Timings
    cause: str | None = None


Outcome = Answered | Refused | Unreachable


class Blocked(Exception):  # noqa: N818
    """The request may not be sent. Is raised by the transport and while a job is rendered, and becomes Refused."""

    def __init__(self, reason: RefusedReason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class Failed(Exception):  # noqa: N818
    """No answer comes. Is raised inside the transport only, which turns it into Unreachable."""

    def __init__(self, reason: UnreachableReason, detail: str, cause: str | None = None) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.cause = reason, detail, cause


def outcome_of(error: Exception, timings: Timings) -> Refused | Unreachable:
    """What an attempt that ended with this error comes to."""
    if isinstance(error, Blocked):
        return Refused(error.reason, error.detail)
    if isinstance(error, Failed):
        return Unreachable(error.reason, error.detail, timings, error.cause)
    # Where it happened; its message may quote headers and is left out.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    return Unreachable("protocol", f"unexpected {type(error).__name__} at {where}", timings)
