"""What may happen to a job: each verb from each state, the fence, and the races."""

import pytest

from models.database.connection import database
from models.jobs import lifecycle
from models.jobs.job_tables import Job
from models.jobs.lifecycle import STATES, TRANSITIONS, ClaimedJob
from models.rules import clock
from tests.support.locks import held_by_another
from tests.support.races import map_at_once
from tests.support.rows import make_job, plan_of, reread

MARGIN = 10 * clock.SECOND
FOREVER = 2**62


def held(job, claim_id=None):
    """The job as its claimer holds it."""
    row = Job.get_by_id(job.id)
    fields = {name: getattr(row, name, None) for name in ClaimedJob._fields}
    return ClaimedJob(**{**fields, "claim_id": claim_id or row.claim_id or 0})


def job_in(state, account, **columns):
    executing = {"claim_id": 77, "lease_until": clock.now(), "attempt": 1, "attempted_at": clock.now()}
    extra = executing if state == "executing" else {}
    stamp = {f"{state}_at": clock.now()} if state in lifecycle.FINAL else {}
    return make_job(account, state, **{**extra, **stamp, **columns})


VERBS = {
    "stage": lambda job: lifecycle.stage([job.id], clock.now()),
    "claim": lambda job: lifecycle.claim([job.id], clock.now(), MARGIN),
    "complete": lambda job: lifecycle.complete([held(job)], clock.now()),
    "retry": lambda job: lifecycle.retry([(held(job), clock.now() + 5)]),
    "discard": lambda job: lifecycle.discard([held(job)], clock.now()),
    "release": lambda job: lifecycle.release([held(job)]),
    "cancel": lambda job: lifecycle.cancel([job.id], clock.now(), waiting_only=False),
    "rescue": lambda job: lifecycle.rescue(clock.now()),
    "discard_lost": lambda job: lifecycle.discard_lost(clock.now()),
    "prune": lambda job: lifecycle.prune(0, dict.fromkeys(lifecycle.FINAL, clock.now() + 1), 10)[0],
}


def test_the_table_of_transitions_names_every_verb():
    assert set(TRANSITIONS) == set(VERBS)


@pytest.mark.parametrize("verb", TRANSITIONS)
@pytest.mark.parametrize("state", STATES)
def test_a_verb_leaves_only_the_states_it_names(account, moved_clock, verb, state):
    leaves, enters = TRANSITIONS[verb]
    job = job_in(state, account, max_attempts=1 if verb == "discard_lost" else 20)
    before = [row for row in Job.select().where(Job.id == job.id).tuples()]
    done = VERBS[verb](job)
    after = [row for row in Job.select().where(Job.id == job.id).tuples()]
    if state not in leaves:
        assert not done
        assert after == before
    elif verb == "prune":
        assert after == []
    else:
        assert done
        assert after != before
        assert reread(job).state == (enters or state)


def test_each_final_state_has_its_own_instant(account, moved_clock):
    jobs = {state: job_in("executing", account) for state in lifecycle.FINAL}
    lifecycle.complete([held(jobs["completed"])], 111)
    lifecycle.discard([held(jobs["discarded"])], 222)
    lifecycle.cancel([jobs["cancelled"].id], 333, waiting_only=False)
    stamps = {
        state: (reread(job).completed_at, reread(job).discarded_at, reread(job).cancelled_at)
        for state, job in jobs.items()
    }
    assert stamps == {"completed": (111, None, None), "discarded": (None, 222, None), "cancelled": (None, None, 333)}


def test_a_claim_counts_the_attempt_and_draws_a_lease_of_timeout_and_margin(account, moved_clock):
    job = make_job(account, timeout_ms=2_000, body=b"\x00\xff", content_type="text/plain")
    [claimed] = lifecycle.claim([job.id], clock.now(), MARGIN)
    row = reread(job)
    assert (row.attempt, row.attempted_at, row.claim_id) == (1, clock.now(), claimed.claim_id)
    assert row.lease_until == clock.now() + 2 * clock.SECOND + MARGIN
    assert bytes(claimed.body) == b"\x00\xff"


def test_a_job_is_never_claimed_before_it_is_due(account, moved_clock):
    job = make_job(account, "scheduled", due_in_s=1)
    assert lifecycle.claim([job.id], clock.now(), MARGIN) == []
    assert lifecycle.not_yet_due([job.id], clock.now()) == [job.id]
    moved_clock.advance(seconds=1)
    assert lifecycle.not_yet_due([job.id], clock.now()) == []
    assert len(lifecycle.claim([job.id], clock.now(), MARGIN)) == 1
    assert lifecycle.not_yet_due([job.id], clock.now() - 1) == []


def test_a_claim_takes_of_a_set_only_what_is_to_be_had(account):
    free, taken = make_job(account), job_in("executing", account)
    claimed = lifecycle.claim([free.id, taken.id, 999_999], clock.now(), MARGIN)
    assert [job.id for job in claimed] == [free.id]


def test_a_staged_job_is_not_staged_again_until_its_message_is_given_up(account, moved_clock):
    job = make_job(account)
    assert [staged.id for staged in lifecycle.stage([job.id], clock.now())] == [job.id]
    assert lifecycle.stage([job.id], clock.now()) == lifecycle.due(0, clock.now(), 10) == []
    assert lifecycle.unstage([job.id]) == 1
    assert len(lifecycle.stage([job.id], clock.now())) == 1
    assert reread(job).staged_count == 2


def test_the_soonest_is_due_first(account, moved_clock):
    later, sooner = make_job(account, due_in_s=-1), make_job(account, due_in_s=-2)
    make_job(account, "scheduled", due_in_s=1)
    assert [job.id for job in lifecycle.due(0, clock.now(), 10)] == [sooner.id, later.id]
    assert [job.id for job in lifecycle.due(0, clock.now(), 1)] == [sooner.id]


def test_what_is_staged_is_told_soonest_first(account, moved_clock):
    later, sooner = make_job(account, due_in_s=-1), make_job(account, due_in_s=-2)
    assert [job.id for job in lifecycle.stage([later.id, sooner.id], clock.now())] == [sooner.id, later.id]


def test_a_job_counts_as_waiting_long_only_since_before_the_instant_asked_for(account, moved_clock):
    job = make_job(account)
    assert not lifecycle.any_staged(FOREVER)
    lifecycle.stage([job.id], clock.now())
    assert not lifecycle.any_staged(clock.now())
    assert lifecycle.any_staged(clock.now() + 1)


def test_only_marks_from_before_the_instant_are_taken_for_lost(account, moved_clock):
    job = make_job(account)
    lifecycle.stage([job.id], clock.now())
    assert lifecycle.unstage_lost(clock.now()) == 0
    assert lifecycle.unstage_lost(clock.now() + 1) == 1


def test_what_is_staged_is_counted_from_the_first_to_the_last_instant_and_no_further_than_asked(account, moved_clock):
    for due_in_s in (1, 2, 3):
        lifecycle.stage([make_job(account, "scheduled", due_in_s=due_in_s).id], clock.now())
    first, last = (clock.now() + seconds * clock.SECOND for seconds in (1, 3))
    counts = [lifecycle.staged_between(*asked) for asked in ((first, last, 9), (first + 1, last - 1, 9), (0, last, 2))]
    assert counts == [3, 1, 2]


def test_giving_up_no_message_changes_nothing(account):
    assert lifecycle.unstage([]) == 0


def test_due_is_what_waits_from_the_first_to_the_last_instant(account, moved_clock):
    for state in STATES:
        job_in(state, account)
    waiting = {job.id for job in Job.select() if job.state in lifecycle.WAITING}
    assert {job.id for job in lifecycle.due(clock.now(), clock.now(), 10)} == waiting
    assert lifecycle.due(clock.now() + 1, FOREVER, 10) == lifecycle.due(0, clock.now() - 1, 10) == []


def test_the_mark_of_an_early_message_counts_from_the_instant_it_is_due(account, moved_clock):
    job = make_job(account, "scheduled", due_in_s=5)
    lifecycle.stage([job.id], clock.now())
    assert reread(job).staged_at == job.scheduled_at
    assert lifecycle.unstage_lost(clock.now() + 1) == 0
    assert lifecycle.unstage_lost(job.scheduled_at + 1) == 1


def test_a_claim_and_a_cancel_take_the_mark_of_staging_away(account, moved_clock):
    claimed, cancelled = make_job(account), make_job(account)
    lifecycle.stage([claimed.id, cancelled.id], clock.now())
    lifecycle.claim([claimed.id], clock.now(), MARGIN)
    lifecycle.cancel([cancelled.id], clock.now(), waiting_only=False)
    assert (reread(claimed).staged_at, reread(cancelled).staged_at) == (None, None)
    assert lifecycle.staged_between(0, FOREVER, 10) == 0


@pytest.mark.parametrize("verb", ["complete", "discard", "release", "retry"])
def test_a_holder_whose_claim_was_rescued_changes_nothing(account, moved_clock, verb):
    job = make_job(account, timeout_ms=1_000)
    [old] = lifecycle.claim([job.id], clock.now(), MARGIN)
    moved_clock.advance(seconds=11)
    assert [lost.id for lost in lifecycle.rescue(clock.now())] == [job.id]
    [new] = lifecycle.claim([job.id], clock.now(), MARGIN)
    late = {
        "complete": lambda: lifecycle.complete([old], clock.now()),
        "discard": lambda: lifecycle.discard([old], clock.now()),
        "release": lambda: lifecycle.release([old]),
        "retry": lambda: lifecycle.retry([(old, 1)]),
    }
    assert late[verb]() == set()
    assert (reread(job).state, reread(job).claim_id, reread(job).attempt) == ("executing", new.claim_id, 2)


def test_a_lease_that_has_not_ended_is_not_rescued(account, moved_clock):
    job = make_job(account, timeout_ms=1_000)
    lifecycle.claim([job.id], clock.now(), MARGIN)
    moved_clock.advance(seconds=10.9)
    assert lifecycle.rescue(clock.now()) == []
    assert lifecycle.discard_lost(clock.now()) == []
    assert reread(job).state == "executing"


def test_a_lost_last_attempt_is_buried_and_not_rescued(account, moved_clock):
    job = job_in("executing", account, max_attempts=1)
    assert lifecycle.rescue(clock.now()) == []
    assert [lost.id for lost in lifecycle.discard_lost(clock.now())] == [job.id]
    assert (reread(job).state, reread(job).discarded_at) == ("discarded", clock.now())


def test_a_release_gives_the_attempt_back(account):
    job = make_job(account)
    claimed = lifecycle.claim([job.id], clock.now(), MARGIN)
    assert lifecycle.release(claimed) == {job.id}
    assert (reread(job).state, reread(job).attempt, reread(job).lease_until) == ("available", 0, None)


ENDINGS = {
    "complete": lambda claims: lifecycle.complete(claims, clock.now()),
    "discard": lambda claims: lifecycle.discard(claims, clock.now()),
    "release": lifecycle.release,
    "retry": lambda claims: lifecycle.retry([(claim, 1) for claim in claims]),
}


@pytest.mark.parametrize("verb", ENDINGS)
def test_the_end_of_a_claim_leaves_neither_fence_nor_lease(account, verb):
    job = make_job(account)
    assert ENDINGS[verb](lifecycle.claim([job.id], clock.now(), MARGIN)) == {job.id}
    assert (reread(job).claim_id, reread(job).lease_until) == (None, None)


@pytest.mark.parametrize("attempts", [1, 20])
def test_a_job_taken_back_has_neither_fence_nor_lease(account, moved_clock, attempts):
    job = job_in("executing", account, max_attempts=attempts)
    assert len(lifecycle.rescue(clock.now()) + lifecycle.discard_lost(clock.now())) == 1
    assert (reread(job).claim_id, reread(job).lease_until) == (None, None)


@pytest.mark.parametrize("verb", ENDINGS)
def test_of_jobs_claimed_together_only_those_named_change(account, verb):
    ids = [make_job(account).id for _ in range(2)]
    first, second = lifecycle.claim(ids, clock.now(), MARGIN)
    assert ENDINGS[verb]([first]) == {first.id}
    assert reread(second).state == "executing"


@pytest.mark.parametrize("verb", ENDINGS)
def test_no_outcome_brings_a_cancelled_job_back(account, verb):
    job = make_job(account)
    claims = lifecycle.claim([job.id], clock.now(), MARGIN)
    lifecycle.cancel([job.id], clock.now(), waiting_only=False)
    assert ENDINGS[verb](claims) == set()
    assert (reread(job).state, reread(job).lease_until) == ("cancelled", None)


def test_of_cancelled_jobs_claimed_together_only_those_named_give_up_their_claim(account):
    ids = [make_job(account).id for _ in range(3)]
    first, second, running = lifecycle.claim(ids, clock.now(), MARGIN)
    lifecycle.cancel([first.id], clock.now(), waiting_only=False)
    lifecycle.cancel([second.id], clock.now(), waiting_only=False)
    assert lifecycle.close_cancelled_claims([first, running]) == {first.id}
    assert reread(second).claim_id == reread(running).claim_id == running.claim_id


def test_a_job_cancelled_while_running_stays_cancelled_and_its_attempt_may_be_recorded_once(account):
    job = make_job(account)
    claimed = lifecycle.claim([job.id], clock.now(), MARGIN)
    assert lifecycle.cancel([job.id], clock.now(), waiting_only=False)
    assert lifecycle.complete(claimed, clock.now()) == set()
    assert lifecycle.close_cancelled_claims(claimed) == {job.id}
    assert lifecycle.close_cancelled_claims(claimed) == set()
    assert (reread(job).state, reread(job).completed_at) == ("cancelled", None)


def test_a_stale_holder_of_a_cancelled_job_does_not_give_up_the_claim_of_the_newer_one(account, moved_clock):
    job = make_job(account, timeout_ms=1_000)
    old = lifecycle.claim([job.id], clock.now(), MARGIN)
    moved_clock.advance(seconds=11)
    lifecycle.rescue(clock.now())
    new = lifecycle.claim([job.id], clock.now(), MARGIN)
    lifecycle.cancel([job.id], clock.now(), waiting_only=False)
    assert lifecycle.close_cancelled_claims(old) == set()
    assert lifecycle.close_cancelled_claims(new) == {job.id}


@pytest.mark.parametrize("state", STATES)
def test_a_cancel_of_waiting_jobs_leaves_one_under_way(account, state):
    job = job_in(state, account)
    cancelled = lifecycle.cancel([job.id], clock.now(), waiting_only=True)
    assert cancelled == ([(job.id, account.id, None)] if state in lifecycle.WAITING else [])
    assert reread(job).state == ("cancelled" if cancelled else state)


def test_pruning_looks_at_so_many_jobs_at_a_time_and_tells_how_far_it_came(account, moved_clock):
    ends = (9, 10, 9, 9)
    first, second, third, last = (job_in("completed", account, completed_at=at, inserted_at=8) for at in ends)
    assert lifecycle.prune(0, {"completed": 10}, 2) == (1, second.id)
    assert lifecycle.prune(first.id, {"discarded": 10}, 2) == (0, third.id)
    assert lifecycle.prune(second.id, {"completed": 10}, 3) == (2, None)
    assert [job.id for job in Job.select()] == [second.id]


def test_pruning_ends_at_jobs_made_too_late_to_be_old(account, moved_clock):
    jobs = [job_in("completed", account, completed_at=9, inserted_at=at) for at in (8, 10, 12, 8)]
    assert lifecycle.prune(0, {"completed": 10, "discarded": 11}, 2) == (2, jobs[1].id)
    assert lifecycle.prune(jobs[1].id, {"completed": 10, "discarded": 11}, 1) == (1, None)
    assert [job.id for job in Job.select()] == [jobs[3].id]


def test_eight_racing_claims_take_each_job_exactly_once(account):
    ids = [make_job(account).id for _ in range(40)]
    taken = map_at_once(lambda _: [job.id for job in lifecycle.claim(ids, clock.now(), MARGIN)], range(8))
    assert sorted(job_id for group in taken for job_id in group) == ids
    assert {job.attempt for job in Job.select()} == {1}


def test_two_racing_stagers_name_each_job_once(account):
    ids = [make_job(account).id for _ in range(40)]
    staged = map_at_once(lambda _: lifecycle.stage(ids, clock.now()), range(4))
    assert sum(len(jobs) for jobs in staged) == 40
    assert {job.staged_count for job in Job.select()} == {1}


def test_cancel_and_claim_race_to_one_winner(account):
    for _ in range(20):
        job = make_job(account)
        calls = (
            lambda job_id=job.id: lifecycle.claim([job_id], clock.now(), MARGIN),
            lambda job_id=job.id: lifecycle.cancel([job_id], clock.now(), waiting_only=False),
        )
        claimed, cancelled = map_at_once(lambda call: call(), calls)
        assert cancelled
        assert reread(job).state == "cancelled"
        assert bool(claimed) == (reread(job).attempt == 1)


def test_complete_and_rescue_race_to_one_winner(account):
    for _ in range(20):
        job = make_job(account, timeout_ms=0)
        claimed = lifecycle.claim([job.id], clock.now(), 0)
        calls = (lambda ids=claimed: lifecycle.complete(ids, clock.now()), lambda: lifecycle.rescue(FOREVER))
        completed, rescued = map_at_once(lambda call: call(), calls)
        assert bool(completed) != bool(rescued)
        assert reread(job).state == ("completed" if completed else "available")


KEPT = {"state": "completed", "completed_at": 1, "inserted_at": 1}
LOOKS_AFTER_ALL = {
    "stage": (lambda: lifecycle.stage([job.id for job in Job.select()], clock.now()), {}),
    "rescue": (lambda: lifecycle.rescue(FOREVER), {"state": "executing", "lease_until": 1, "claim_id": 7}),
    "discard_lost": (
        lambda: lifecycle.discard_lost(FOREVER),
        {"state": "executing", "lease_until": 1, "claim_id": 7, "crashes": 2},
    ),
    "unstage_lost": (lambda: [None] * lifecycle.unstage_lost(FOREVER), {"staged_at": 1}),
    "prune": (lambda: [None] * lifecycle.prune(0, dict.fromkeys(lifecycle.FINAL, 2), 10)[0], KEPT),
}


@pytest.mark.parametrize("verb", LOOKS_AFTER_ALL)
def test_who_looks_after_all_jobs_waits_for_none_that_another_session_holds(account, db, verb):
    """A worker frozen in the middle of a group stopped the ticker, and with it all jobs, for two minutes."""
    do, columns = LOOKS_AFTER_ALL[verb]
    held, _free = (make_job(account, **{"attempted_at": 1, "attempt": 1, **columns}) for _ in range(2))
    database.execute_sql("SET lock_timeout = 1" if db == "postgresql" else "SELECT 1")
    with held_by_another(db, held):
        assert len(do()) == 1
    assert len(do()) == 1


def crash(job, moved_clock):
    """The job is claimed and its holder falls silent for good."""
    moved_clock.advance(seconds=30)
    assert lifecycle.claim([job.id], clock.now(), MARGIN)
    moved_clock.advance(seconds=60)
    return lifecycle.rescue(clock.now()), lifecycle.discard_lost(clock.now())


def test_a_job_whose_holders_fell_silent_three_times_is_given_up(account, moved_clock):
    job = make_job(account)
    outcomes = [crash(job, moved_clock) for _ in range(3)]
    assert [(len(rescued), len(buried)) for rescued, buried in outcomes] == [(1, 0), (1, 0), (0, 1)]
    assert (reread(job).state, reread(job).crashes, reread(job).attempt) == ("discarded", 3, 3)


def test_a_job_whose_holders_fell_silent_twice_is_not_given_up(account, moved_clock):
    job = job_in("executing", account, crashes=1)
    assert lifecycle.discard_lost(clock.now()) == []
    assert [lost.id for lost in lifecycle.rescue(clock.now())] == [job.id]
    assert reread(job).crashes == 2


def test_jobs_lost_for_the_second_time_come_back_one_after_another(account, moved_clock):
    """Each has its time-out for itself, at most two seconds; the next holder's death must not be theirs too."""
    jobs = [job_in("executing", account, crashes=1, timeout_ms=timeout_ms) for timeout_ms in (1500, 30_000, 1000)]
    first_time = job_in("executing", account)
    lifecycle.rescue(clock.now())
    spread = [reread(job).held_until - clock.now() for job in jobs]
    assert spread == [0, 1_500_000, 3_500_000]
    assert reread(first_time).held_until is None


def test_a_job_put_off_is_not_due_for_the_stager_until_then(account, moved_clock):
    job = make_job(account)
    lifecycle.stage([job.id], clock.now())
    assert lifecycle.snooze([(job.id, 0)], clock.now(), clock.SECOND // 2) == 1
    assert lifecycle.due(0, clock.now(), 10) == []
    moved_clock.advance(seconds=1.25)
    assert [due.id for due in lifecycle.due(0, clock.now(), 10)] == [job.id]


def test_a_job_that_was_put_off_and_then_claimed_is_put_off_no_more(account, moved_clock):
    job = make_job(account)
    lifecycle.snooze([(job.id, 0)], clock.now(), clock.SECOND)
    lifecycle.claim([job.id], clock.now(), MARGIN)
    assert reread(job).held_until is None


def test_a_job_is_put_off_longer_each_time_a_message_named_it(account, moved_clock):
    jobs = [make_job(account, staged_count=count) for count in (1, 2, 4, 5, 50)]
    lifecycle.snooze([(job.id, 0) for job in jobs], clock.now(), clock.SECOND)
    assert [reread(job).held_until - clock.now() for job in jobs] == [
        seconds * clock.SECOND + lifecycle.RETURN_US for seconds in (2, 4, 16, 32, 32)
    ]


def test_a_job_is_put_off_until_its_turn_when_that_comes_later(account, moved_clock):
    jobs = [make_job(account, staged_count=2) for _ in range(3)]
    turns = [(job.id, turn * clock.SECOND) for job, turn in zip(jobs, (0, 3, 5), strict=True)]
    assert lifecycle.snooze(turns, clock.now(), clock.SECOND) == 3
    assert [reread(job).held_until - clock.now() for job in jobs] == [
        seconds * clock.SECOND + lifecycle.RETURN_US for seconds in (4, 4, 5)
    ]


def test_jobs_put_off_return_together_at_quarters_of_a_second(account, moved_clock):
    jobs = [make_job(account) for _ in range(3)]
    turns = [(job.id, turn) for job, turn in zip(jobs, (300_000, 400_000, 500_000), strict=True)]
    lifecycle.snooze(turns, clock.now(), 1)
    returns = [reread(job).held_until for job in jobs]
    assert [at % lifecycle.RETURN_US for at in returns] == [0, 0, 0]
    assert returns[0] == returns[1] < returns[2]


def test_a_job_claimed_meanwhile_is_not_put_off(account, moved_clock):
    job = job_in("executing", account)
    assert lifecycle.snooze([(job.id, 0)], clock.now(), clock.SECOND) == 0
    assert reread(job).held_until is None


def test_a_job_that_waits_for_its_retry_is_not_put_off_to_before_it(account, moved_clock):
    """A stale message did so: the job was named, refused and named again, dozens of times a second, until its retry."""
    job = make_job(account, "retryable", due_in_s=60, attempt=1, staged_count=1)
    lifecycle.snooze([(job.id, 0)], clock.now(), clock.SECOND)
    assert lifecycle.due(0, reread(job).scheduled_at - 1, 10) == []
    assert [due.id for due in lifecycle.due(0, reread(job).scheduled_at, 10)] == [job.id]


def test_an_attempt_that_is_recorded_makes_earlier_silence_forgotten(account, moved_clock):
    jobs = {verb: job_in("executing", account, crashes=2) for verb in ("complete", "retry", "discard")}
    for verb, job in jobs.items():
        VERBS[verb](job)
    assert {reread(job).crashes for job in jobs.values()} == {0}


def test_an_attempt_that_is_given_back_leaves_earlier_silence_as_it_was(account, moved_clock):
    """Else an event that was lost and then given back passed for tried, and the next one overtook it."""
    job = job_in("executing", account, crashes=1, attempt=2)
    lifecycle.release([held(job)])
    assert (reread(job).crashes, reread(job).attempt) == (1, 1)


def test_staging_finds_its_jobs_by_their_ids_however_few_were_unstaged_when_last_counted(account, db, monkeypatch):
    """Misled by a partial index that had been empty, PostgreSQL searched all of it for each set of ids."""
    jobs = [make_job(account) for _ in range(3)]
    asked = []
    monkeypatch.setattr(lifecycle, "fetch", lambda sql, params: asked.append((sql, params)) or [])
    lifecycle.stage([job.id for job in jobs], clock.now())
    [(sql, params)] = asked
    plan = plan_of(db, sql, params)
    assert "job_unstaged" not in plan
    assert "job_pkey" in plan or "INTEGER PRIMARY KEY" in plan
