"""Each column of a new job is in every list of those who make a job from another one, or left out on purpose."""

import pytest

from models.jobs import job_store, replays
from models.jobs.job_store import NewJob
from models.operations import changing
from models.schedules import schedule_store
from workers.delivery import group_sets

MADE_ANEW = {"account_id", "args", "scheduled_at", "uuid", "labels"}  # given by whoever makes the job
OF_A_FOLLOW_UP = {"kind", "parent_id", "after_uuid", "endpoint_id"}
OF_AN_INSTANT = {"schedule_id", "fire_at", "start_by", "held_until"}
OF_AN_ORDER = {"idempotency_key", "dedup", "gates", "traceparent"}  # so that nothing is answered or traced twice
LEFT_OUT = {
    "a replay": (replays.COPIED, MADE_ANEW | OF_A_FOLLOW_UP | OF_AN_INSTANT | OF_AN_ORDER | {"retry_until"}),
    "a changed job": (
        changing.CHANGED,
        (MADE_ANEW - {"args"}) | OF_A_FOLLOW_UP | OF_AN_INSTANT | OF_AN_ORDER | {"flow_id", "lane_id"},
    ),
    "a job of a set": (
        group_sets.KEPT,
        MADE_ANEW
        | OF_A_FOLLOW_UP
        | (OF_AN_INSTANT - {"schedule_id"})
        | OF_AN_ORDER
        | {"body", "content_type", "name", "description", "host"},  # of its target, or of what was rendered for it
    ),
}


@pytest.mark.parametrize("maker", LEFT_OUT)
def test_each_field_of_a_job_is_passed_on_or_left_out_on_purpose(maker):
    passed_on, left_out = LEFT_OUT[maker]
    assert set(passed_on) | left_out == set(NewJob._fields)
    assert set(passed_on) & left_out == set()


def test_what_the_jobs_of_a_schedule_do_not_share_are_fields_of_a_job():
    assert set(NewJob._fields) >= schedule_store.OF_ONE_JOB


def test_every_column_that_a_new_job_has_is_inserted():
    assert set(job_store.WRITTEN) >= set(NewJob._fields) - {"labels", "dedup", "gates"}
