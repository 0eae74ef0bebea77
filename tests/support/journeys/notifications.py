"""Judges the callbacks and events of a journey's jobs, as the receiver wrote them down.

Pure: notifications in, sentences about what is wrong out. It shares no code with the product; the reference verifier
judges the signatures.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise

from standardwebhooks.webhooks import Webhook

from tests.support.journeys.ledger import Notification, instant

CALLBACK, EVENTS = "/notified/callback", "/notified/events"  # how their paths begin
LIFE = ("job.started", "job.request", "job.response", "job.finished")
TOLERANCE_US = 300 * 1_000_000


def check(sent: Iterable[Notification], job_ids: Iterable[int], secrets: Iterable[str]) -> list[str]:
    """Everything that is wrong; nothing when each job has its callback and its events."""
    sent, job_ids = list(sent), list(job_ids)
    return [
        *missing(sent, job_ids),
        *repeated_ids(sent),
        *out_of_order(sent),
        *(problem for secret in secrets for problem in unsigned(sent, secret)),
    ]


def job_of(each: Notification) -> int:
    body = json.loads(each.body)
    return (body if each.path.startswith(CALLBACK) else body["data"])["job"]["job_id"]


def missing(sent: list[Notification], job_ids: list[int]) -> list[str]:
    """Each job has one callback and each event of a life that succeeds, at least once."""
    seen = defaultdict(set)
    for each in sent:
        seen[job_of(each)].add("callback" if each.path.startswith(CALLBACK) else json.loads(each.body)["type"])
    lacking = {job_id: {*LIFE, "callback"} - seen[job_id] for job_id in job_ids}
    return [f"job {job_id} lacks {sorted(lacks)}" for job_id, lacks in lacking.items() if lacks]


def repeated_ids(sent: list[Notification]) -> list[str]:
    """One id names one event or callback: what bears it is the same byte for byte, and nothing else bears it."""
    bodies = defaultdict(set)
    for each in sent:
        bodies[each.headers["webhook-id"]].add((each.path, each.body))
    ids_of: dict[tuple, set[str]] = defaultdict(set)
    for each in sent:
        body = json.loads(each.body)
        what = ("callback",) if each.path.startswith(CALLBACK) else (body["type"], body["timestamp"])
        ids_of[job_of(each), *what].add(each.headers["webhook-id"])
    wrong = [
        f"event {json.loads(each.body)['id']} bears the id {each.headers['webhook-id']}"
        for each in sent
        if each.path.startswith(EVENTS) and json.loads(each.body)["id"] != each.headers["webhook-id"]
    ]
    several = [f"id {name} is that of {len(bearers)} bodies" for name, bearers in bodies.items() if len(bearers) > 1]
    return [*several, *wrong, *(f"{what} bears {len(ids)} ids" for what, ids in ids_of.items() if len(ids) > 1)]


def out_of_order(sent: list[Notification]) -> list[str]:
    """By their first arrivals, the events of a job come in the order of their timestamps."""
    first: dict[int, dict[str, str]] = defaultdict(dict)
    for each in sent:
        if each.path.startswith(EVENTS):
            body = json.loads(each.body)
            first[job_of(each)].setdefault(body["id"], body["timestamp"])
    return [
        f"job {job_id} heard of {later} before {earlier}"
        for job_id, events in first.items()
        for later, earlier in pairwise(events.values())
        if (instant(later) or 0) > (instant(earlier) or 0)
    ]


def unsigned(sent: list[Notification], secret: str) -> list[str]:
    """Each carries a signature by this secret over the bytes that arrived, and the time of its try."""
    verifier = Webhook(secret)
    wrong = []
    for each in sent:
        headers = each.headers
        began_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        wanted = verifier.sign(headers["webhook-id"], began_at, each.body)
        if wanted not in headers["webhook-signature"].split(" "):
            wrong.append(f"{headers['webhook-id']} is not signed by this secret")
        if abs(each.at - began_at.timestamp() * 1_000_000) > TOLERANCE_US:
            wrong.append(f"{headers['webhook-id']} says that it is of {began_at}")
    return wrong
