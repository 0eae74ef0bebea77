"""Why a job has not run: each reason when it holds, and not when it doesn't."""

import pytest

from models.accounts import account_store
from models.database.sql import execute
from models.flows import closing
from models.flows.waits import Wait
from models.jobs.job_tables import Job
from models.jobs.records import AttemptRow, add_attempts
from models.jobs.staging import PAUSED_UNTIL
from models.operations import explain, heartbeats
from models.operations.explain import CODES, Facts
from models.operations.heartbeats import WorkerRow
from models.rules import clock
from models.rules.clock import SECOND
from models.rules.limits import FLOW
from tests.support.flows import flow, gate_of, let_through, order, parked_at
from tests.support.rows import make_job, stage_all

NOW = 1_767_258_000_000_000
WORKER = WorkerRow("w", "host", 1, "0", 8, 0, NOW, NOW)
CALM = Facts(
    state="available",
    scheduled_at=NOW - SECOND,
    attempt=0,
    max_attempts=20,
    crashes=0,
    held_until=None,
    staged_at=None,
    lease_until=None,
    attempted_at=None,
    reason=None,
    ahead=0,
    ticker_seen_at=NOW,
    workers=1,
    slots=8,
    slots_in_use=0,
    worker_seen_at=NOW,
)


def codes(**changes):
    return [reason.code for reason in explain.explain(CALM._replace(**changes), NOW)]


def test_a_due_job_that_nothing_hinders_is_on_its_way():
    assert codes() == ["on_its_way"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"state": "scheduled", "scheduled_at": NOW + 1}, ["not_due"]),
        ({"state": "retryable", "scheduled_at": NOW + 1, "attempt": 1}, ["waits_for_retry"]),
        ({"state": "executing", "lease_until": NOW + 1, "attempted_at": NOW, "attempt": 1}, ["lease_held"]),
        ({"ticker_seen_at": NOW - 11 * SECOND}, ["ticker_silent"]),
        ({"ticker_seen_at": NOW - 10 * SECOND}, ["on_its_way"]),
        ({"ticker_seen_at": 0}, ["ticker_silent"]),
        ({"workers": 0, "slots": 0}, ["no_worker"]),
        ({"workers": 0, "slots": 0, "worker_seen_at": None}, ["no_worker"]),
        ({"slots_in_use": 8}, ["slots_full"]),
        ({"slots_in_use": 7}, ["on_its_way"]),
        ({"ahead": 1}, ["queued_behind"]),
        ({"ahead": 5, "slots_in_use": 8}, ["slots_full", "queued_behind"]),
        ({"held_until": NOW + 1}, ["host_share_full"]),
        ({"held_until": NOW + 1, "after_uuid": "01a2"}, ["waits_for_event"]),
        ({"held_until": NOW + 1, "after_uuid": "01a2", "kind": "alert"}, ["waits_for_event"]),
        ({"held_until": NOW + 1, "crashes": 1}, ["held_after_crash"]),
        ({"held_until": NOW + 1, "sibling_under_way": True}, ["waits_for_turn"]),
        ({"sibling_under_way": True}, ["on_its_way"]),
        ({"held_until": NOW, "crashes": 1}, ["on_its_way"]),
        ({"schedule_disabled_at": NOW - 5}, ["schedule_disabled"]),
        ({"state": "completed"}, ["completed"]),
        ({"state": "cancelled", "workers": 0}, ["cancelled"]),
        ({"state": "discarded", "ahead": 9}, ["discarded"]),
        ({"state": "scheduled", "scheduled_at": NOW + 1, "workers": 0}, ["not_due", "no_worker"]),
    ],
)
def test_each_reason_is_told_when_it_holds(changes, expected):
    assert codes(**changes) == expected
    assert set(expected) <= set(CODES)


def test_the_texts_name_numbers_and_instants():
    texts = [
        reason.text
        for changes in (
            {"ahead": 1204},
            {"ahead": 10_001},
            {"state": "retryable", "scheduled_at": NOW + 1, "attempt": 3, "reason": "status_503"},
        )
        for reason in explain.explain(CALM._replace(**changes), NOW)
    ]

    assert texts[0] == "1,204 jobs were due before it and have not begun."
    assert texts[1] == "more than 10,000 jobs were due before it and have not begun."
    assert texts[2] == (
        "Attempt 3 of 20 failed: answered 503 Service Unavailable (status_503); the next is at "
        "2026-01-01T09:00:00.000001Z."
    )


def test_r5_a_job_that_met_a_redirect_says_what_to_do():
    """Nobody learned why a job with a target that had moved never succeeded."""
    changes = {"state": "discarded", "attempt": 1, "reason": "status_308"}
    [reason] = explain.explain(CALM._replace(**changes), NOW)
    assert "after attempt 1 of 20: answered 308 Permanent Redirect; the target redirects, and no" in reason.text


@pytest.mark.parametrize(("attempt", "when"), [(0, "before its first attempt"), (2, "after attempt 2 of 20")])
def test_a_job_that_was_given_up_says_after_which_attempt(attempt, when):
    """It was "attempt 0 of 20" where there was none."""
    [reason] = explain.explain(CALM._replace(state="discarded", attempt=attempt), NOW)
    assert reason.text == f"It was given up {when}."


def reasons_of(account, job):
    facts = explain.facts_of(account.id, job.id, clock.now())
    return [reason.code for reason in explain.explain(facts, clock.now())]


@pytest.fixture
def machinery(account, moved_clock):
    """A ticker and a worker that live."""
    execute("UPDATE ticker SET seen_at = %s", (clock.now(),))
    heartbeats.record_heartbeat(WORKER._replace(started_at=clock.now(), seen_at=clock.now()))


def test_the_jobs_before_are_counted_whether_a_message_names_them_or_not(account, machinery, moved_clock):
    others = [make_job(account, due_in_s=-60), make_job(account, due_in_s=-50), make_job(account, due_in_s=50)]
    stage_all(limit=1)
    job = make_job(account, due_in_s=-10)
    assert explain.facts_of(account.id, job.id, clock.now()).ahead == 2
    assert reasons_of(account, job) == ["queued_behind"]
    assert reasons_of(account, others[0]) == ["on_its_way"]


def test_a_failed_attempt_is_named(account, machinery):
    job = make_job(account, "retryable", 60, attempt=1)
    add_attempts([AttemptRow(job.id, 1, 0, 0, 0, "unreachable", reason="timeout")])
    assert explain.facts_of(account.id, job.id, clock.now()).reason == "timeout"
    assert reasons_of(account, job) == ["waits_for_retry"]


def test_a_worker_that_fell_silent_is_not_counted(account, machinery, moved_clock):
    job = make_job(account)
    assert reasons_of(account, job) == ["on_its_way"]
    moved_clock.advance(seconds=16)
    assert reasons_of(account, job) == ["ticker_silent", "no_worker"]


def test_of_workers_that_fell_silent_the_last_one_says_since_when_there_is_none(account, machinery, moved_clock):
    for name, ago_s in (("b", 40), ("a", 20), ("c", 30)):
        heartbeats.record_heartbeat(WORKER._replace(id=name, seen_at=clock.now() - ago_s * SECOND))
    moved_clock.advance(seconds=16)
    facts = explain.facts_of(account.id, make_job(account).id, clock.now())
    assert (facts.workers, facts.worker_seen_at) == (0, clock.now() - 16 * SECOND)


@pytest.mark.parametrize(("in_use", "code"), [(8, "slots_full"), (0, "on_its_way")])
def test_the_slots_of_a_worker_that_fell_silent_do_not_count(account, machinery, moved_clock, in_use, code):
    """Neither those that it had free nor those that it had in use."""
    silent = WORKER._replace(id="silent", slots=8, slots_in_use=8 - in_use, seen_at=clock.now() - 16 * SECOND)
    heartbeats.record_heartbeat(silent)
    heartbeats.record_heartbeat(WORKER._replace(slots_in_use=in_use, seen_at=clock.now()))
    assert reasons_of(account, make_job(account)) == [code]


def test_another_accounts_job_is_not_explained(account):
    bob = account_store.account_named("bob", clock.now())
    assert explain.facts_of(bob.id, make_job(account).id, clock.now()) is None


def test_a_schedule_s_job_is_explained_by_the_one_before_it(account, machinery, moved_clock):
    """A job of a schedule knows whether the one before is under way."""
    uuid = "0198c0de-0000-7000-8000-000000000000"
    before = make_job(account, "executing", schedule_id=uuid, lease_until=clock.now())
    job = make_job(account, due_in_s=-1, schedule_id=uuid, held_until=clock.now() + SECOND)
    assert reasons_of(account, job)[0] == "waits_for_turn"
    execute("UPDATE job SET state = 'completed', lease_until = NULL WHERE id = %s", (before.id,))
    assert reasons_of(account, job)[0] == "host_share_full"


def test_a_job_whose_gate_has_just_opened_is_on_its_way(account, machinery, moved_clock):
    """The question was answered with 500 until the ticker had named the job."""
    [job_id] = order(account, flow())
    closing.pause(account.id, FLOW, "shop", None, None, clock.now())
    let_through([job_id])
    job = Job.get_by_id(job_id)
    paused = reasons_of(account, job)

    closing.resume(account.id, FLOW, "shop", clock.now())

    assert parked_at(gate_of(FLOW, "shop").id) == [job_id]
    assert (paused, reasons_of(account, job)) == (["flow_paused"], ["on_its_way"])


def test_an_event_whose_endpoint_was_just_enabled_is_on_its_way(account, machinery):
    """It was said to wait for a slot until the end of the year 9999."""
    job = make_job(account, due_in_s=-1, held_until=PAUSED_UNTIL)
    assert reasons_of(account, job) == ["on_its_way"]


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"state": "scheduled", "scheduled_at": NOW + 1}, NOW + 1),
        ({"state": "retryable", "scheduled_at": NOW + 1, "attempt": 3}, NOW + 1),
        ({"held_until": NOW + 1}, NOW + 1),
        ({"held_until": NOW + 1, "crashes": 1}, NOW + 1),
        ({"gates": (Wait("flow_rate", "", NOW + 7),)}, NOW + 7),
        ({"gates": (Wait("flow_busy", ""),)}, None),
        ({"held_until": NOW + 1, "after_uuid": "01a2"}, None),
        ({"ahead": 3}, None),
    ],
)
def test_a_reason_says_when_it_ends_where_that_is_known(changes, at):
    assert explain.explain(CALM._replace(**changes), NOW)[0].at == at
