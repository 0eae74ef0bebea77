"""What the look before a late request ends with the claim: who waited for a job that is no longer wanted may go."""

import asyncio
import threading

import pytest
from peewee import OperationalError

from models.flows import late_starts
from models.flows.late_starts import SentJob
from models.jobs import lifecycle
from models.operations import cancelling
from models.rules import clock
from models.webhooks import event_order
from tests.support.operators_log import raising
from tests.support.rows import claim_job, claim_of, make_job, reread
from tests.support.schedule_rows import make_schedule, run_ticker, waiting_jobs_of
from workers.delivery import last_look
from workers.delivery.last_look import LastLook


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """No request goes out before the database has answered."""
    monkeypatch.setattr(last_look, "LIMIT_S", 60)


def permission_for(look, claim):
    """The permission for this claim, to be awaited."""
    permission = asyncio.get_running_loop().create_future()
    look.may_go(claim, False, permission.set_result)
    return permission


async def answers_about(claims):
    look = LastLook()
    look.start()
    answers = await asyncio.gather(*(permission_for(look, claim) for claim in claims))
    look.stop()
    return [answer.is_given for answer in answers]


def wanted(*claims):
    """For each claim, whether its request may go out."""
    return asyncio.run(answers_about(claims))


def test_a_request_is_unwanted_once_its_job_is_cancelled(account):
    kept, gone = claim_job(account), claim_job(account)
    cancelling.cancel(account.id, gone.id, clock.now())
    assert wanted(kept, gone) == [True, False]
    assert (reread(gone).attempt, reread(gone).claim_id) == (0, None)
    assert (reread(kept).attempt, reread(kept).claim_id) == (1, kept.claim_id)


def test_the_next_job_of_a_schedule_has_its_turn_when_one_is_unwanted(account, moved_clock):
    schedule_id = make_schedule(account, overlap="queue_one")
    [gone] = run_ticker()
    moved_clock.advance(hours=1)
    run_ticker()
    assert waiting_jobs_of(schedule_id)[0].held_until > clock.now()
    cancelling.cancel(account.id, gone.id, clock.now())

    assert wanted(gone) == [False]

    assert waiting_jobs_of(schedule_id)[0].held_until is None


def test_a_job_of_a_schedule_that_came_after_the_cancel_has_its_turn_too(account, moved_clock):
    schedule_id = make_schedule(account, overlap="queue_one")
    [gone] = run_ticker()
    cancelling.cancel(account.id, gone.id, clock.now())
    moved_clock.advance(hours=1)
    run_ticker()
    assert waiting_jobs_of(schedule_id)[0].held_until > clock.now()

    assert wanted(gone) == [False]

    assert waiting_jobs_of(schedule_id)[0].held_until is None


def test_the_next_event_has_its_turn_when_one_is_unwanted(account):
    job = make_job(account, "completed")
    first = make_job(account, kind="event", parent_id=job.id)
    waiting = {"after_uuid": first.uuid, "held_until": clock.now() + event_order.HELD_US}
    second = make_job(account, kind="event", parent_id=job.id, **waiting)
    claim = claim_of(first)
    lifecycle.cancel([first.id], clock.now(), waiting_only=False)

    assert wanted(claim) == [False]

    assert (reread(second).after_uuid, reread(second).held_until) == (None, None)


def test_requests_that_ask_at_once_cost_one_query(account, monkeypatch):
    groups, look_up = [], lifecycle.cancelled_of
    monkeypatch.setattr(lifecycle, "cancelled_of", lambda jobs: groups.append(len(jobs)) or look_up(jobs))

    assert wanted(*[claim_job(account) for _ in range(5)]) == [True] * 5

    assert groups == [5]


def test_requests_go_out_when_the_database_does_not_answer_in_time(account, monkeypatch):
    answers = threading.Event()
    monkeypatch.setattr(last_look, "LIMIT_S", 0)
    monkeypatch.setattr(lifecycle, "cancelled_of", lambda jobs: answers.wait(10) and {job.id for job in jobs})

    async def ask_and_let_answer():
        look = LastLook()
        look.start()
        first = await asyncio.gather(permission_for(look, claim_job(account)), permission_for(look, claim_job(account)))
        answers.set()
        look.stop()
        return [answer.is_given for answer in first]

    assert asyncio.run(ask_and_let_answer()) == [True, True]


def test_of_too_many_corrections_the_latest_are_kept_while_the_database_takes_none(account, monkeypatch):
    """The earlier starts have left their windows first."""
    monkeypatch.setattr(last_look, "KEPT", 2)
    monkeypatch.setattr(late_starts, "correct", raising(OperationalError("gone")))
    sent = [SentJob(claim_job(account), at) for at in range(3)]

    assert LastLook()._look(list(sent)) == sent[1:]
