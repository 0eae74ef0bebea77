"""Judges what was told of the jobs of a journey: callbacks and events, as the receiver wrote them down.

Pure: told requests in, what is wrong in sentences out. Shares no code with the product; signatures are judged by the
reference verifier.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise

from standardwebhooks.webhooks import Webhook

from .ledger import Told, instant

CALLBACK, EVENTS = "/told/callback", "/told/events"  # how their paths begin
LIFE = ("job.started", "job.request", "job.response", "job.finished")
TOLERANCE_US = 300 * 1_000_000


def check(told: Iterable[Told], job_ids: Iterable[int], secrets: Iterable[str]) -> list[str]:
    """Everything that is wrong; nothing when each job has its callback and its events."""
    told, job_ids = list(told), list(job_ids)
    return [
        *missing(told, job_ids),
        *repeated_ids(told),
        *out_of_order(told),
        *(problem for secret in secrets for problem in unsigned(told, secret)),
    ]


def job_of(one: Told) -> int:
    body = json.loads(one.body)
    return (body if one.path.startswith(CALLBACK) else body["data"])["job"]["job_id"]


def missing(told: list[Told], job_ids: list[int]) -> list[str]:
    """Each job has one callback and each event of a life that succeeds, at least once."""
    seen = defaultdict(set)
    for one in told:
        seen[job_of(one)].add("callback" if one.path.startswith(CALLBACK) else json.loads(one.body)["type"])
    lacking = {job_id: {*LIFE, "callback"} - seen[job_id] for job_id in job_ids}
    return [f"job {job_id} lacks {sorted(lacks)}" for job_id, lacks in lacking.items() if lacks]


def repeated_ids(told: list[Told]) -> list[str]:
    """One id names one event or callback: what bears it is the same byte for byte, and nothing else is told with it."""
    bodies = defaultdict(set)
    for one in told:
        bodies[one.headers["webhook-id"]].add((one.path, one.body))
    news: dict[tuple, set[str]] = defaultdict(set)
    for one in told:
        body = json.loads(one.body)
        what = ("callback",) if one.path.startswith(CALLBACK) else (body["type"], body["timestamp"])
        news[job_of(one), *what].add(one.headers["webhook-id"])
    wrong = [
        f"event {json.loads(one.body)['id']} bears the id {one.headers['webhook-id']}"
        for one in told
        if one.path.startswith(EVENTS) and json.loads(one.body)["id"] != one.headers["webhook-id"]
    ]
    several = [f"id {name} is that of {len(found)} bodies" for name, found in bodies.items() if len(found) > 1]
    return [*several, *wrong, *(f"{what} was told with {len(ids)} ids" for what, ids in news.items() if len(ids) > 1)]


def out_of_order(told: list[Told]) -> list[str]:
    """By their first arrivals, the events of a job come in the order of their timestamps."""
    first: dict[int, dict[str, str]] = defaultdict(dict)
    for one in told:
        if one.path.startswith(EVENTS):
            body = json.loads(one.body)
            first[job_of(one)].setdefault(body["id"], body["timestamp"])
    return [
        f"job {job_id} was told {later} before {earlier}"
        for job_id, events in first.items()
        for later, earlier in pairwise(events.values())
        if (instant(later) or 0) > (instant(earlier) or 0)
    ]


def unsigned(told: list[Told], secret: str) -> list[str]:
    """Each carries a signature by this secret over the bytes that arrived, and the time of its try."""
    verifier = Webhook(secret)
    wrong = []
    for one in told:
        headers = one.headers
        began_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        wanted = verifier.sign(headers["webhook-id"], began_at, one.body)
        if wanted not in headers["webhook-signature"].split(" "):
            wrong.append(f"{headers['webhook-id']} is not signed by this secret")
        if abs(one.at - began_at.timestamp() * 1_000_000) > TOLERANCE_US:
            wrong.append(f"{headers['webhook-id']} says that it is of {began_at}")
    return wrong
