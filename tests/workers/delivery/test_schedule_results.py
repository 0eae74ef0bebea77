"""What schedules remember of their jobs: the answer before, the state, failures in a row."""

import json

import pytest

from models.jobs import job_store, lifecycle, staging, states
from models.jobs.job_ref import JobRef
from models.jobs.job_tables import Job, LogEntry
from models.operations import cancelling, claims
from models.rules import clock
from models.rules.templating import MAX_MEMORY_BYTES
from models.schedules import overlap, planning, schedule_changes
from models.schedules.schedule_tables import Firing, Schedule
from tests.support.races import map_at_once
from tests.support.schedule_rows import HOURLY, make_schedule, planned
from workers.delivery.attempt_records import Result
from workers.delivery.delivery import Delivery
from workers.delivery.recorder import record
from workers.delivery.render import render_request
from workers.delivery.schedule_results import means_host_is_down
from workers.transport.outcome import Answered, Blocked, Refused, Timings, Unreachable

BODY = b'{"since": "$previous.id", "sent": "$state.sent"}'


def answered_with_body(body, status=200, truncated=False):
    return Answered(status, [], body if isinstance(body, bytes) else json.dumps(body).encode(), truncated, Timings())


def claim_next(schedule_id):
    """The schedule's next job, at its time."""
    planning.plan(clock.now(), 10)
    waiting_jobs_of = Job.select().where(Job.schedule_id == schedule_id, Job.state.in_(states.WAITING))
    ids = [job.id for job in waiting_jobs_of.order_by(Job.fire_at)]
    [job] = claims.claim(ids, clock.now(), clock.HOUR)
    return job


def finish(job, outcome):
    record([Result(job, render_request(job), outcome, clock.now())])


def payloads_of(event):
    rows = LogEntry.select().where(LogEntry.event == event).order_by(LogEntry.inserted_at)
    return [json.loads(row.payload) for row in rows]


@pytest.fixture
def schedule_id(account, moved_clock):
    return make_schedule(account, body=BODY)


def test_the_next_body_has_what_the_job_before_answered(schedule_id, moved_clock):
    first = claim_next(schedule_id)
    assert json.loads(render_request(first).body) == {
        **{"since": None, "sent": None},
        **{"$job": {"id": first.id}, "$previous": {}, "$state": {}},
    }

    finish(first, answered_with_body({"id": 5, "$set": {"sent": [1]}}))
    moved_clock.advance(hours=1)
    second = json.loads(render_request(claim_next(schedule_id)).body)
    assert (second["since"], second["sent"], second["$state"]) == (5, [1], {"sent": [1]})


def test_the_log_shows_the_body_as_it_was_sent(schedule_id):
    job = claim_next(schedule_id)
    finish(job, answered_with_body({}))
    assert payloads_of("worker.http.request")[0]["body"] == json.loads(render_request(job).body)


@pytest.mark.parametrize("body", [b"[1]", b'"$state.x"', None])
def test_a_body_that_is_no_object_is_sent_byte_for_byte(account, moved_clock, body):
    assert render_request(claim_next(make_schedule(account, body=body))).body == body


def test_a_body_of_a_one_off_job_is_sent_byte_for_byte(account, moved_clock):
    new = job_store.NewJob(account.id, '{"url": "http://127.0.0.1:9/"}', BODY, "application/json", clock.now())
    job, _ = job_store.create(new, clock.now())
    [claimed] = lifecycle.claim([job.id], clock.now(), clock.HOUR)
    assert render_request(claimed).body == BODY


def test_a_job_that_failed_changes_neither(schedule_id):
    Schedule.update(previous='{"id":1}', state='{"sent":2}').execute()
    finish(claim_next(schedule_id), answered_with_body({"id": 9, "$set": {"sent": 3}}, status=410))
    row = Schedule.get()
    assert (row.previous, row.state) == ('{"id":1}', '{"sent":2}')


def test_a_truncated_answer_is_not_read_and_is_logged(schedule_id):
    """An answer that was cut is not read and the log says so."""
    finish(claim_next(schedule_id), answered_with_body(b'{"$set": {"sent": 3}, "x": "', truncated=True))
    assert (Schedule.get().previous, Schedule.get().state) == ("{}", "{}")
    [note] = payloads_of("worker.schedule.not_kept")
    assert "longer than what is kept" in note["reason"]


@pytest.mark.parametrize("answer", [b'{"$set": {"sent": 1e999}}', b"[" * 990 + b"]" * 990])
def test_a_job_ends_although_its_answer_can_not_be_kept(schedule_id, answer):
    """An answer that could not be written again does not keep its job from ending."""
    job = claim_next(schedule_id)
    finish(job, answered_with_body(answer))
    assert Job.get_by_id(job.id).state == "completed"
    assert (json.loads(Schedule.get().previous), Schedule.get().state) == (answer.decode(), "{}")


@pytest.mark.parametrize(("beyond", "notes"), [(0, 0), (1, 1)])
def test_an_answer_as_large_as_allowed_is_kept_and_no_larger(schedule_id, beyond, notes):
    text = "x" * (MAX_MEMORY_BYTES - 2 + beyond)
    finish(claim_next(schedule_id), answered_with_body(text))
    assert json.loads(Schedule.get().previous) == ({} if beyond else text)
    assert len(payloads_of("worker.schedule.not_kept")) == notes


def test_a_state_too_large_stays_as_it_was_and_the_log_says_so(schedule_id):
    finish(claim_next(schedule_id), answered_with_body({"$set": {"sent": "x" * 70_000}}))
    assert Schedule.get().state == "{}"
    assert "the state must be at most 65536 bytes" in payloads_of("worker.schedule.not_kept")[0]["reason"]


def test_a_body_that_would_be_too_large_is_not_sent(account, moved_clock):
    schedule_id = make_schedule(account, body=json.dumps({"v": ["$state.big"] * 100}).encode())
    Schedule.update(state=json.dumps({"big": "x" * 60_000})).execute()
    with pytest.raises(Blocked) as blocked:
        render_request(claim_next(schedule_id))
    assert blocked.value.reason == "body_too_large"


def test_disabling_and_enabling_loses_previous_and_keeps_state(account, schedule_id, moved_clock):
    finish(claim_next(schedule_id), answered_with_body({"id": 5, "$set": {"sent": [1]}}))
    schedule_changes.disable(account.id, schedule_id, clock.now())
    schedule_changes.enable(account.id, schedule_id, clock.now(), 100)
    assert (Schedule.get().previous, Schedule.get().state) == (None, '{"sent":[1]}')


def test_a_job_from_before_it_was_disabled_leaves_no_previous_behind(account, schedule_id, moved_clock):
    job = claim_next(schedule_id)
    moved_clock.advance(minutes=1)
    schedule_changes.disable(account.id, schedule_id, clock.now())
    moved_clock.advance(minutes=1)
    schedule_changes.enable(account.id, schedule_id, clock.now(), 100)
    finish(job, answered_with_body({"id": 5}))
    assert Schedule.get().previous is None


def test_a_disabled_schedule_has_forgotten_the_answer_before(account, schedule_id, moved_clock):
    finish(claim_next(schedule_id), answered_with_body({"id": 5}))
    schedule_changes.disable(account.id, schedule_id, clock.now())

    schedule_changes.fire_now(account.id, schedule_id, clock.now())

    assert json.loads(render_request(claim_next(schedule_id)).body)["$previous"] == {}


@pytest.mark.parametrize(("status", "sent"), [(200, 3), (410, 2)])
def test_a_job_that_ends_after_the_disabling_leaves_answer_and_count(account, schedule_id, moved_clock, status, sent):
    """Of the answer only what it asks to keep is kept: neither $previous nor the count of failures."""
    Schedule.update(failures=3, state='{"sent":2}').execute()
    job = claim_next(schedule_id)
    schedule_changes.disable(account.id, schedule_id, clock.now())

    finish(job, answered_with_body({"id": 5, "$set": {"sent": 3}}, status=status))

    row = Schedule.get()
    assert (row.previous, row.failures, json.loads(row.state)) == (None, 3, {"sent": sent})


def test_jobs_that_end_at_once_lose_nothing_of_each_other(account, db):
    schedule_id = make_schedule(account, overlap="allow")
    now = clock.now()
    new = [planning.job_at(planned(schedule_id), now - number - 1) for number in range(8)]
    ids = [job.id for job in job_store.create_many(new, now)]
    claimed = claims.claim(ids, now, clock.HOUR)
    Schedule.update(enabled_at=0).execute()

    map_at_once(
        lambda number: finish(claimed[number], answered_with_body({"$set": {str(number): number}})),
        range(len(claimed)),
    )

    assert json.loads(Schedule.get().state) == {str(number): number for number in range(8)}


def test_jobs_recorded_in_one_group_are_merged_in_their_order(account, moved_clock):
    make_schedule(account, overlap="allow")
    schedule_id = Schedule.get().id
    first = claim_next(schedule_id)
    moved_clock.advance(hours=1)
    second = claim_next(schedule_id)
    answers = [answered_with_body({"$set": {"n": 1}}), answered_with_body({"$set": {"n": 2, "m": 3}})]
    record(
        [
            Result(job, render_request(job), said, clock.now())
            for job, said in zip([first, second], answers, strict=True)
        ]
    )
    assert json.loads(Schedule.get().state) == {"n": 2, "m": 3}


def test_failures_in_a_row_disable_the_schedule(account, moved_clock):
    schedule_id = make_schedule(account, HOURLY, disable_after=2)
    for _ in range(2):
        assert Schedule.get().disabled_at is None
        finish(claim_next(schedule_id), answered_with_body(b"", status=410))
        moved_clock.advance(hours=1)
    assert Schedule.get().disabled_at is not None
    assert payloads_of("worker.schedule.disabled") == [{"reason": "2 of its jobs in a row failed", "failures": 2}]
    assert Job.select().where(Job.state.in_(states.WAITING)).count() == 0


def test_a_schedule_enabled_again_has_all_its_failures_to_go(account, moved_clock):
    schedule_id = make_schedule(account, HOURLY, disable_after=2)
    for _ in range(2):
        finish(claim_next(schedule_id), answered_with_body(b"", status=410))
        moved_clock.advance(hours=1)
    schedule_changes.enable(account.id, schedule_id, clock.now(), 100)

    disabled = []
    for _ in range(2):
        moved_clock.advance(hours=1)
        finish(claim_next(schedule_id), answered_with_body(b"", status=410))
        disabled.append(Schedule.get().disabled_at is not None)
    assert disabled == [False, True]


def test_a_job_from_before_it_was_enabled_again_counts_as_no_failure(account, moved_clock):
    schedule_id = make_schedule(account, HOURLY, disable_after=1)
    job = claim_next(schedule_id)
    moved_clock.advance(minutes=1)
    schedule_changes.disable(account.id, schedule_id, clock.now())
    schedule_changes.enable(account.id, schedule_id, clock.now(), 100)
    finish(job, answered_with_body(b"", status=410))
    assert (Schedule.get().failures, Schedule.get().disabled_at) == (0, None)


def test_a_job_that_fails_after_others_disabled_its_schedule_is_told_once(account, moved_clock):
    schedule_id = make_schedule(account, HOURLY, overlap="allow", disable_after=1)
    first = claim_next(schedule_id)
    moved_clock.advance(hours=1)
    second = claim_next(schedule_id)
    for job in (first, second):
        finish(job, answered_with_body(b"", status=410))
    assert payloads_of("worker.schedule.disabled") == [{"reason": "1 of its jobs in a row failed", "failures": 1}]


@pytest.mark.parametrize("status", [200, 410])
def test_the_end_of_a_job_lets_go_the_one_that_waits(account, moved_clock, status):
    schedule_id = make_schedule(account, HOURLY, overlap="queue_one")
    under_way = claim_next(schedule_id)
    moved_clock.advance(hours=1)
    planning.plan(clock.now(), 10)
    [queued] = Job.select().where(Job.state.in_(states.WAITING), Job.scheduled_at <= clock.now())
    assert claims.claim([queued.id], clock.now(), clock.HOUR) == []
    assert staging.due(0, clock.now(), 10) == []

    finish(under_way, answered_with_body({}, status=status))

    assert [job.id for job in staging.due(0, clock.now(), 10)] == [queued.id]


def test_a_success_between_failures_keeps_it_enabled(account, moved_clock):
    schedule_id = make_schedule(account, HOURLY, disable_after=2)
    for status in (410, 200, 410):
        finish(claim_next(schedule_id), answered_with_body(b"", status=status))
        moved_clock.advance(hours=1)
    assert (Schedule.get().disabled_at, Schedule.get().failures) == (None, 1)


def test_failures_do_not_disable_it_unless_asked_for(schedule_id, moved_clock):
    for _ in range(5):
        finish(claim_next(schedule_id), answered_with_body(b"", status=410))
        moved_clock.advance(hours=1)
    assert (Schedule.get().disabled_at, Schedule.get().failures) == (None, 5)


def test_a_retry_is_no_end(schedule_id):
    finish(claim_next(schedule_id), answered_with_body(b"", status=500))
    assert Schedule.get().failures == 0


def test_a_job_of_a_deleted_schedule_is_recorded_all_the_same(account, schedule_id):
    job = claim_next(schedule_id)
    schedule_changes.delete(account.id, schedule_id, clock.now())
    finish(job, answered_with_body({"$set": {"a": 1}}))
    assert Job.get_by_id(job.id).state == "completed"
    assert Firing.select().count() == 1


def test_a_failed_claim_of_schedules_does_not_stop_other_jobs(account, moved_clock, embedded_settings, monkeypatch):
    """A message that names both kinds sends the others when schedules can not be claimed."""
    delivery, submitted = Delivery(embedded_settings), []
    monkeypatch.setattr(delivery.senders, "submit", submitted.extend)
    monkeypatch.setattr(overlap, "choose", lambda *_: 1 / 0)
    plain, _ = job_store.create(job_store.NewJob(account.id, "{}", None, None, clock.now()), clock.now())
    make_schedule(account)
    fired = Job.get(Job.fire_at.is_null(False))
    named = delivery.slots.take([JobRef(plain.id, account.id, ""), JobRef(fired.id, account.id, "")]).admitted
    delivery._claim(named, last_try=True)

    assert [job.id for job in submitted] == [plain.id]
    assert Job.get_by_id(fired.id).state == "available"


def stop(account, schedule_id, how):
    """The schedule is disabled or deleted, some time after its job began."""
    getattr(schedule_changes, how)(account.id, schedule_id, clock.now())


ENDS = [
    ("disable", "schedule_disabled", "its schedule was disabled"),
    ("delete", "schedule_deleted", "its schedule was deleted"),
]


@pytest.mark.parametrize(("how", "reason", "_text"), ENDS)
def test_c6_a_job_that_fails_after_its_schedule_ended_is_not_tried_again(
    account, schedule_id, moved_clock, how, reason, _text
):
    """It was tried again for twelve days."""
    job = claim_next(schedule_id)
    moved_clock.advance(seconds=1)
    stop(account, schedule_id, how)

    finish(job, answered_with_body(b"", status=500))

    assert Job.get_by_id(job.id).state == "discarded"
    assert payloads_of("worker.job.discarded") == [{"reason": reason, "attempt": 1}]


@pytest.mark.parametrize(("how", "_reason", "text"), ENDS)
@pytest.mark.parametrize("give_back", ["rescue", "release"])
def test_c6_a_job_that_comes_back_after_its_schedule_ended_does_not_begin_again(
    account, schedule_id, moved_clock, how, _reason, text, give_back
):
    job = claim_next(schedule_id)
    moved_clock.advance(seconds=1)
    stop(account, schedule_id, how)
    moved_clock.advance(hours=2)
    lifecycle.rescue(clock.now()) if give_back == "rescue" else lifecycle.release([job])

    assert claims.claim([job.id], clock.now(), clock.HOUR) == []

    assert Job.get_by_id(job.id).state == "cancelled"
    assert payloads_of("worker.job.cancelled")[-1] == {"reason": text}


def test_a_job_of_a_schedule_that_was_enabled_again_is_tried_again(account, schedule_id, moved_clock):
    job = claim_next(schedule_id)
    moved_clock.advance(seconds=1)
    stop(account, schedule_id, "disable")
    schedule_changes.enable(account.id, schedule_id, clock.now(), 100)

    finish(job, answered_with_body(b"", status=500))

    assert Job.get_by_id(job.id).state == "retryable"


def test_a_job_ordered_of_a_disabled_schedule_is_tried_again(account, schedule_id, moved_clock):
    moved_clock.advance(seconds=1)
    stop(account, schedule_id, "disable")
    moved_clock.advance(seconds=1)
    schedule_changes.fire_now(account.id, schedule_id, clock.now())
    job = claim_next(schedule_id)

    finish(job, answered_with_body(b"", status=500))

    assert Job.get_by_id(job.id).state == "retryable"
    moved_clock.advance(hours=1)
    assert [again.attempt for again in claims.claim([job.id], clock.now(), clock.HOUR)] == [2]


@pytest.mark.parametrize(("status", "failures"), [(410, 0), (500, 0)])
def test_a_job_cancelled_under_way_is_no_failure_of_its_schedule(account, moved_clock, status, failures):
    schedule_id = make_schedule(account, HOURLY, disable_after=1)
    job = claim_next(schedule_id)
    cancelling.cancel(account.id, job.id, clock.now())

    finish(job, answered_with_body(b"", status=status))

    assert (Schedule.get().failures, Schedule.get().disabled_at) == (failures, None)


@pytest.mark.parametrize("status", [200, 410, 500])
def test_the_end_of_a_request_whose_job_was_cancelled_lets_go_the_next(account, moved_clock, status):
    schedule_id = make_schedule(account, HOURLY, overlap="queue_one")
    under_way = claim_next(schedule_id)
    cancelling.cancel(account.id, under_way.id, clock.now())
    moved_clock.advance(hours=1)
    planning.plan(clock.now(), 10)
    [queued] = Job.select().where(Job.state.in_(states.WAITING), Job.scheduled_at <= clock.now())
    assert claims.claim([queued.id], clock.now(), clock.HOUR) == []

    finish(under_way, answered_with_body({}, status=status))

    assert [job.id for job in staging.due(0, clock.now(), 10)] == [queued.id]


@pytest.mark.parametrize("status", [*range(200, 206), 404, 429, *range(500, 506)])
def test_a_host_is_down_whose_gateway_says_so(status):
    assert means_host_is_down(answered_with_body(b"", status)) is (status in (502, 503, 504))


def test_a_host_that_was_not_reached_is_down_and_one_that_was_not_tried_is_not():
    assert means_host_is_down(Unreachable("timeout", "", Timings()))
    assert not means_host_is_down(Refused("blocked_address", ""))
