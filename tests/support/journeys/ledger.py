"""The three ledgers of a journey as plain records: what the client asked, what arrived, what Booper says.

Owns the record types and how each is read. Draws no conclusion: that is checker.py. All instants are
integers, microseconds since the Unix epoch, of the one clock of this machine.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PAGE = 100


@dataclass(frozen=True)
class Created:
    """One POST /api/jobs. `outcome`: "ok" (2xx seen), "fail" (4xx seen), "unknown" (anything else).

    `due_at` is the instant the client asked for. `path` is the receiver's. `job_id` is None unless ok.
    """

    nonce: str
    due_at: int
    invoked_at: int
    returned_at: int
    outcome: str = "ok"
    job_id: int | None = None
    key: str | None = None
    path: str = "/ok"


@dataclass(frozen=True)
class Cancelled:
    """One POST /api/jobs/{id}/cancel. `state` is the state answered, None when no answer was seen."""

    nonce: str
    invoked_at: int
    returned_at: int
    state: str | None


@dataclass(frozen=True)
class Arrival:
    """One whole request at the receiver; `attempt` is None where the header was missing."""

    nonce: str | None
    attempt: int | None
    at: int
    job_id: int | None = None
    connection: int = 0
    method: str = "POST"
    path: str = "/ok"
    sha256: str = ""


@dataclass(frozen=True)
class Ended:
    """The end of the response to one arrival. `whole` is False when it never left completely."""

    nonce: str | None
    attempt: int | None
    at: int
    status_code: int = 200
    whole: bool = True
    connection: int = 0


@dataclass(frozen=True)
class Notification:
    """One whole request below /notified: a callback or an event, with its lower-case headers and its body."""

    at: int
    path: str
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Recorded:
    """One job as the API shows it at the end; an instant is None where the API shows null."""

    job_id: int
    nonce: str | None
    state: str
    scheduled_at: int | None = None
    attempted_at: int | None = None
    completed_at: int | None = None
    discarded_at: int | None = None
    cancelled_at: int | None = None


@dataclass
class History:
    """Everything known about one journey."""

    created: list[Created] = field(default_factory=list)
    cancelled: list[Cancelled] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    ends: list[Ended] = field(default_factory=list)
    recorded: list[Recorded] = field(default_factory=list)


def instant(text: str | None) -> int | None:
    """Microseconds of a timestamp of the API ("2023-09-01T18:26:20.353046Z"); None for null."""
    if text is None:
        return None
    return (datetime.fromisoformat(text.replace("Z", "+00:00")) - EPOCH) // timedelta(microseconds=1)


def timestamp(at: int) -> str:
    """An instant as the API accepts it, with all its microseconds."""
    return (EPOCH + timedelta(microseconds=at)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_arrivals(path: Path) -> tuple[list[Arrival], list[Ended]]:
    """The receiver's file; partial requests are left out, they reached nobody's code."""
    arrivals, ends = [], []
    for line in path.read_text().splitlines():
        if line.startswith('["notified"'):
            continue
        kind, wall, _, nonce, attempt, job_id, connection, *rest = json.loads(line)
        if kind == "arrival":
            arrivals.append(Arrival(nonce, attempt, wall, job_id, connection, *rest))
        elif kind == "end":
            ends.append(Ended(nonce, attempt, wall, *rest, connection))
    return arrivals, ends


def read_notifications(path: Path) -> list[Notification]:
    """What arrived below /notified, in its order."""
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.startswith('["notified"')]
    return [Notification(wall, path, headers, body) for _, wall, _, path, headers, body in rows]


def read_recorded(get: Callable[[str], dict]) -> Iterator[Recorded]:
    """Every job of the key's account, oldest first; `get` answers the JSON of one path of the API."""
    jobs: list[dict] = []
    while page := get(f"/api/jobs?limit={PAGE}&offset={len(jobs)}&order_by=job_id,desc")["data"]:
        jobs += page
    yield from map(recorded, reversed(jobs))


def recorded(outer: dict) -> Recorded:
    """One job of the API's answer."""
    job, headers = outer["job"], outer["args"].get("headers") or {}
    stamps = ("scheduled_at", "attempted_at", "completed_at", "discarded_at", "cancelled_at")
    return Recorded(
        outer["job_id"],
        headers.get("X-Nonce"),
        job["state"],
        *(instant(job[name]) for name in stamps),
    )
