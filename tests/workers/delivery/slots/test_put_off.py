"""Jobs that were put off are claimed as soon as there are slots for them."""

import pytest
from peewee import OperationalError

from models.jobs.job_ref import JobRef
from tests.support.waiting import wait_until
from workers.delivery.slots import put_off
from workers.delivery.slots.put_off import AT_ONCE, KINDS_AT_ONCE, PutOff, SnoozedJob


def snoozed(job_id, host="a.example", until=7):
    return SnoozedJob(JobRef(job_id, 1, host), until)


class Claims:
    """Gives as many slots as `room` says, and keeps what it was called with."""

    def __init__(self, room=10**9):
        self.room, self.calls = room, []

    def __call__(self, jobs):
        self.calls.append(list(jobs))
        taken = min(self.room, len(jobs))
        self.room -= taken
        return jobs[taken:]


@pytest.fixture
def claims():
    return Claims()


@pytest.fixture
def waiting(claims):
    """Nothing looks but the test."""
    return PutOff(claims)


def test_a_job_that_was_put_off_is_claimed_once(waiting, claims):
    waiting.remember([snoozed(1)])

    waiting.look()
    waiting.look()

    assert claims.calls == [[snoozed(1)]]


def test_what_gets_no_slot_is_claimed_the_next_time_and_the_oldest_first(waiting, claims):
    claims.room = 2
    waiting.remember([snoozed(3), snoozed(1)])
    waiting.remember([snoozed(2)])
    waiting.look()
    claims.room = 5

    waiting.look()

    assert claims.calls == [[snoozed(3), snoozed(1), snoozed(2)], [snoozed(2)]]


def test_all_that_find_slots_are_claimed_in_one_look(waiting, claims):
    jobs = [snoozed(number) for number in range(2 * AT_ONCE + 1)]
    waiting.remember(jobs)

    waiting.look()

    assert [len(call) for call in claims.calls] == [AT_ONCE, AT_ONCE, 1]
    assert [job for call in claims.calls for job in call] == jobs


def test_a_full_host_holds_up_no_other(waiting, claims):
    waiting.remember([snoozed(1, "full.example"), snoozed(2, "free.example")])
    waiting._claim = lambda jobs: claims(jobs) and [] if jobs[0].ref.host == "free.example" else jobs

    waiting.look()

    assert list(waiting._kinds.values()) == [{1: snoozed(1, "full.example")}]


def test_of_many_hosts_those_come_next_that_were_passed_over(waiting, claims):
    claims.room = 0
    waiting.remember([snoozed(number, f"{number}.example") for number in range(KINDS_AT_ONCE + 2)])

    waiting.look()
    waiting.look()

    hosts = [call[0].ref.id for call in claims.calls]
    assert hosts == [*range(KINDS_AT_ONCE + 2), *range(KINDS_AT_ONCE - 2)]


def test_no_more_are_remembered_than_a_process_has_room_for(waiting, claims, monkeypatch):
    monkeypatch.setattr(put_off, "KEPT", 3)
    waiting.remember([snoozed(number) for number in range(2)])
    waiting.remember([snoozed(number) for number in range(1, 9)])
    waiting.look()
    waiting.remember([snoozed(number) for number in range(20, 29)])
    waiting.look()

    assert [[job.ref.id for job in call] for call in claims.calls] == [[0, 1], [20, 21, 22]]


def test_a_job_that_is_put_off_again_is_remembered_as_it_is_now(waiting):
    waiting.remember([snoozed(1, until=7)])

    def claim_while_another_message_puts_it_off(jobs):
        waiting.remember([snoozed(1, until=9)])
        waiting.close()
        return []

    waiting._claim = claim_while_another_message_puts_it_off
    waiting.look()

    assert list(waiting._kinds.values()) == [{1: snoozed(1, until=9)}]


@pytest.mark.parametrize(("error", "left"), [(OperationalError("gone"), [snoozed(1)]), (ValueError("bad"), [])])
def test_an_error_ends_no_look_and_a_database_that_is_gone_loses_nothing(waiting, claims, error, left):
    def failing(jobs):
        raise error

    waiting.remember([snoozed(1)])
    waiting._claim = failing
    waiting.look()
    waiting._claim = claims
    waiting.look()

    assert claims.calls == ([left] if left else [])


def test_nothing_is_claimed_after_the_close(waiting, claims):
    waiting.remember([snoozed(1)])
    waiting.close()
    waiting.look()
    assert claims.calls == []


def test_its_thread_claims_whenever_jobs_were_put_off_and_ends_with_it(claims):
    waiting = PutOff(claims)
    waiting.start()
    for number in (1, 2):
        waiting.remember([snoozed(number)])
        wait_until(lambda number=number: len(claims.calls) == number)

    waiting.stop()

    assert not waiting._thread.is_alive()
    assert claims.calls == [[snoozed(1)], [snoozed(2)]]


def test_one_that_was_never_started_can_be_stopped(waiting):
    waiting.stop()
