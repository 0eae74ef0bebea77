"""Jobs that were put off are claimed as soon as there are slots for them."""

import pytest
from peewee import OperationalError

from models.jobs.job_ref import JobRef
from tests.support.waiting import wait_until
from workers.delivery.slots import put_off
from workers.delivery.slots.put_off import AT_ONCE, KINDS_AT_ONCE, TURNS_AT_ONCE, PutOff, SnoozedJob

LATER = 1_000


def snoozed(job_id, host="a.example", until=LATER):
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


def test_two_hosts_of_an_account_get_the_freed_slots_in_turn(waiting, claims):
    """The first host got all of them, and jobs to the other waited for half a minute."""
    waiting.remember([snoozed(number, "slow.example") for number in range(100)])
    waiting.remember([snoozed(number, "quick.example") for number in range(200, 300)])
    slots = {"slow.example": 0, "quick.example": 0}

    for _ in range(10):
        claims.room, before = 5, len(claims.calls)
        waiting.look()
        for jobs in claims.calls[before:][:1]:
            slots[jobs[0].ref.host] += 5

    assert slots == {"slow.example": 25, "quick.example": 25}


def test_no_kind_is_claimed_further_before_the_others_had_their_turn(waiting, claims):
    waiting.remember([snoozed(number, "a.example") for number in range(2 * AT_ONCE)])
    waiting.remember([snoozed(number, "b.example") for number in range(100, 101 + AT_ONCE)])

    waiting.look()

    assert [(jobs[0].ref.host[0], len(jobs)) for jobs in claims.calls] == [
        ("a", AT_ONCE),
        ("b", AT_ONCE),
        ("a", AT_ONCE),
        ("b", 1),
    ]


def test_a_look_ends_although_there_are_slots_for_more(waiting, claims):
    waiting.remember([snoozed(number) for number in range(TURNS_AT_ONCE * AT_ONCE + 1)])
    waiting.look()
    assert len(claims.calls) == TURNS_AT_ONCE


def remembered(waiting):
    return {kind[1]: sorted(alike) for kind, alike in waiting._kinds.items()}


def test_where_there_is_no_room_for_more_the_oldest_of_the_first_host_are_forgotten(waiting, monkeypatch):
    monkeypatch.setattr(put_off, "KEPT", 3)

    waiting.remember([snoozed(0), snoozed(1, "b.example"), snoozed(2), snoozed(0)])
    assert remembered(waiting) == {"a.example": [0, 2], "b.example": [1]}

    waiting.remember([snoozed(3, "c.example")])
    assert remembered(waiting) == {"a.example": [2], "b.example": [1], "c.example": [3]}
    waiting.remember([snoozed(4, "d.example"), snoozed(5, "d.example")])
    assert remembered(waiting) == {"a.example": [], "b.example": [], "c.example": [3], "d.example": [4, 5]}


def test_there_is_room_again_for_as_many_as_were_claimed(waiting, monkeypatch):
    monkeypatch.setattr(put_off, "KEPT", 3)
    waiting.remember([snoozed(number) for number in range(3)])
    waiting.look()
    waiting.remember([snoozed(number) for number in range(20, 23)])
    assert remembered(waiting) == {"a.example": [20, 21, 22]}


def test_one_host_does_not_take_the_room_of_all(waiting, monkeypatch):
    monkeypatch.setattr(put_off, "KEPT_OF_KIND", 2)
    waiting.remember([snoozed(number) for number in range(5)])
    waiting.remember([snoozed(9, "b.example")])
    assert remembered(waiting) == {"a.example": [3, 4], "b.example": [9]}
    assert waiting._kept == 3


def test_a_job_that_is_put_off_again_is_remembered_as_it_is_now(waiting):
    waiting.remember([snoozed(1)])

    def claim_while_another_message_puts_it_off(jobs):
        waiting.remember([snoozed(1, until=LATER + 9)])
        waiting.close()
        return []

    waiting._claim = claim_while_another_message_puts_it_off
    waiting.look()

    assert list(waiting._kinds.values()) == [{1: snoozed(1, until=LATER + 9)}]


def failing(error):
    def claim(jobs):
        raise error

    return claim


def test_a_database_that_is_gone_ends_the_look_and_loses_nothing(waiting, claims, caplog):
    """Each of fifty hosts was tried, and logged, twenty times a second."""
    waiting.remember([snoozed(number, f"{number}.example") for number in range(3)])
    waiting._claim = failing(OperationalError("gone"))

    assert waiting.look() is False
    assert [record.message for record in caplog.records] == ["database gone (gone): 3 jobs that were put off wait on"]

    waiting._claim = claims
    assert waiting.look() is True
    assert sorted(job.ref.id for call in claims.calls for job in call) == [0, 1, 2]


def test_another_error_ends_no_look_and_the_jobs_return_by_themselves(waiting, claims):
    waiting.remember([snoozed(1), snoozed(2, "b.example")])
    waiting._claim = lambda jobs: failing(ValueError("bad"))(jobs) if jobs[0].ref.id == 1 else claims(jobs)

    assert waiting.look() is True

    assert (claims.calls, waiting._kinds) == ([[snoozed(2, "b.example")]], {})


def test_the_thread_pauses_while_the_database_is_gone(waiting):
    pauses, looks = [], iter([False, True])
    waiting._has_some.set()
    waiting.look = lambda: next(looks)
    waiting._closed.wait = lambda seconds: pauses.append(seconds) or (len(pauses) == 3 and waiting._closed.set())

    waiting._work()

    assert pauses == [put_off.LOOK_EVERY_S, put_off.DATABASE_PAUSE_S, put_off.LOOK_EVERY_S]


def test_nobody_looks_while_nothing_is_remembered(waiting):
    waiting.remember([])
    assert not waiting._has_some.is_set()

    waiting.remember([snoozed(1)])
    assert waiting._has_some.is_set()

    waiting.look()
    assert not waiting._has_some.is_set()


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
