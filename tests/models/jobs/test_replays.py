"""Ordering again: which columns of the old job the new one has, and which are its own."""

import json

import pytest

from models.database.ids import new_id
from models.jobs import job_store, replays
from models.jobs.job_store import NewJob
from models.jobs.job_tables import Job, JobLabel
from models.rules import clock
from tests.support.rows import make_job

ARGS = {"method": "put", "url": "http://127.0.0.1:9/", "labels": ["a", "b"], "max_age": [1, "hour"]}
OF_THE_OLD_ORDER = {
    **{"schedule_in": 60, "scheduled_at": "2026-01-01T09:00:00Z", "idempotency_key": "k"},
    "dedup": {"key": "k"},
    **{"repeat_every": 60, "cron": "@daily", "timezone": "UTC", "overlap": "skip", "misfire": "once"},
    **{"catch_up_seconds": 60, "jitter_seconds": 1, "disable_after_failures": 3},
}
ORDERED = {
    **{"name": "digest", "description": "each morning", "body": b'{"a":1}', "content_type": "application/json"},
    **{"host": "127.0.0.1", "hops": 2, "max_attempts": 3, "timeout_ms": 5000, "backoff": '{"fixed":60}'},
    **{"redact": '["x-a"]', "notify": '{"webhook":"http://127.0.0.1:9/"}', "flow_id": 21, "lane_id": 22},
    "ack_within_us": 23,
    "judging": '{"stop_on":["4xx"]}',
}
OWN = {  # what a job has of its own, with values unlike those of a new one
    **{"idempotency_key": "k", "schedule_id": new_id(), "fire_at": 1, "start_by": 2, "held_until": 3, "parent_id": 4},
    **{"after_uuid": new_id(), "attempt": 3, "crashes": 1, "attempted_at": 5, "completed_at": 6, "discarded_at": 7},
    **{"cancelled_at": 8, "staged_at": 9, "staged_count": 10, "claim_id": 11, "lease_until": 12, "retry_until": 13},
    "parked_by": 14,
    "endpoint_id": 15,
    "traceparent": "00-1",
    "ack_until": 16,
}


def columns(job_id):
    row = Job.get_by_id(job_id)
    return {name: bytes(value) if name == "body" and value else value for name, value in row.__data__.items()}


@pytest.fixture
def old(account, moved_clock):
    """A job each of whose columns differs from those of a plain new one, but for account and kind."""
    args = json.dumps(ARGS | OF_THE_OLD_ORDER)
    job = make_job(account, "completed", -3600, args=args, inserted_at=clock.now() - clock.DAY, **ORDERED, **OWN)
    plain, _ = job_store.create(NewJob(account.id, "{}", None, None, clock.now()), clock.now())
    old, new = columns(job.id), columns(plain.id)
    assert {name for name in old if old[name] == new[name]} == {"account_id", "kind"}
    return old


def test_what_is_ordered_again_has_all_that_was_ordered(account, old):
    [again] = replays.replay(account.id, [old["id"]], clock.now())

    new = columns(again.id)
    assert {name: new[name] for name in ORDERED} == ORDERED
    assert json.loads(new["args"]) == ARGS
    labels = [row.label for row in JobLabel.select().where(JobLabel.job_id == again.id).order_by(JobLabel.label)]
    assert labels == ["a", "b"]


def test_what_is_ordered_again_has_times_and_state_of_its_own(account, old):
    [again] = replays.replay(account.id, [old["id"]], clock.now())

    new = columns(again.id)
    assert {name for name in old if old[name] == new[name]} == {"account_id", "kind", *ORDERED}
    plain = dict.fromkeys(OWN) | {"attempt": 0, "crashes": 0, "staged_count": 0}
    assert {name: new[name] for name in OWN} == plain | {"retry_until": clock.now() + clock.HOUR}
    assert (new["state"], new["scheduled_at"], new["inserted_at"]) == ("available", clock.now(), clock.now())
    assert columns(old["id"]) == old


def test_of_one_word_each_job_is_ordered_again_once(account, moved_clock):
    ids = [make_job(account, "discarded").id for _ in range(2)]

    def made(word):
        return len(replays.replay(account.id, ids, clock.now(), word))

    assert [made("a"), made("a"), made("b"), made(None), made(None)] == [2, 0, 2, 2, 2]


def test_follow_ups_and_the_jobs_of_others_are_not_ordered_again(account, moved_clock):
    other = type(account).create(name="bob", created_at=clock.now())
    jobs_asked = [make_job(account, "discarded", kind=kind).id for kind in ("callback", "event", "channel")]
    jobs_asked.append(make_job(other, "discarded").id)
    assert replays.replay(account.id, jobs_asked, clock.now()) == []
