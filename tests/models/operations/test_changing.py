"""A change of a job against claims and other changes at the same moment."""

import json

import pytest

from models.flows.gate_tables import Gate
from models.jobs import lifecycle
from models.jobs.job_store import NewJob
from models.jobs.job_tables import Job
from models.operations import changing
from models.rules import clock
from models.rules.limits import FLOW
from tests.support.flows import MARGIN, flow, gate_of, let_through, order, parked_at
from tests.support.races import at_once, beside
from tests.support.rows import make_job, reread

BEFORE, AFTER = '{"url":"https://a.example/"}', '{"url":"https://b.example/"}'


def change(account, job_id, due_at, args=AFTER, **columns):
    new = NewJob(account.id, args, None, None, due_at, host="b.example", **columns)
    return changing.change(account.id, job_id, ["url"], lambda _row, _hops: new, clock.now())


def claim(job_id):
    return lifecycle.claim([job_id], clock.now(), MARGIN)


@pytest.mark.parametrize("moved", [False, True])
def test_of_a_change_and_a_claim_at_once_the_request_that_is_sent_is_the_one_on_record(account, moved_clock, moved):
    for _ in range(25):
        job = make_job(account, args=BEFORE, host="a.example")
        due_at = job.scheduled_at - moved

        answer, claimed = at_once(lambda: change(account, job.id, due_at), lambda: claim(job.id))  # noqa: B023

        sent = claimed or claim(job.id)
        wanted = BEFORE if isinstance(answer, changing.NotChangeable) else AFTER
        assert [job.args for job in sent] == [wanted]
        assert (reread(job).args, reread(job).state) == (wanted, "executing")


def test_a_claim_passes_over_a_job_that_is_just_changed(account, moved_clock):
    job = make_job(account, args=BEFORE)

    claimed = beside(lambda: change(account, job.id, job.scheduled_at), lambda: claim(job.id))

    if not claimed:  # PostgreSQL; writers of SQLite take turns
        claimed = claim(job.id)
    assert [job.args for job in claimed] == [AFTER]


def test_of_two_changes_at_once_both_count(account, moved_clock):
    job = make_job(account, args='{"url":"https://a.example/","n":[]}')

    def add(number):
        def made(row, _hops):
            args = json.loads(row.args)
            return NewJob(account.id, json.dumps(args | {"n": [*args["n"], number]}), None, None, row.scheduled_at)

        return lambda: changing.change(account.id, job.id, ["n"], made, clock.now())

    at_once(*(add(number) for number in range(8)))

    assert sorted(json.loads(reread(job).args)["n"]) == list(range(8))


def test_a_change_of_a_parked_job_lets_the_others_at_its_flow_be_looked_at(account, moved_clock):
    ids = order(account, flow("shop", concurrency=1), count=3)
    let_through(ids)
    gate = gate_of(FLOW, "shop")
    assert parked_at(gate.id) == ids[1:]
    Gate.update(wake_at=None).execute()

    change(account, ids[1], clock.now() + clock.HOUR)

    assert parked_at(gate.id) == ids[2:]
    assert Gate.get_by_id(gate.id).wake_at == clock.now()


def retrying(account, due_in_s=60, **columns):
    return make_job(account, "retryable", due_in_s, attempt=1, attempted_at=1, **columns)


def test_a_retry_now_and_a_claim_at_once_make_one_attempt(account, moved_clock):
    for _ in range(25):
        job = retrying(account, due_in_s=0.000001)  # due a microsecond from now, when the claim comes
        due_at = clock.now()

        answer, claimed = at_once(
            lambda: changing.run_now(account.id, job.id, due_at),  # noqa: B023
            lambda: lifecycle.claim([job.id], due_at + 1, MARGIN),  # noqa: B023
        )

        again = lifecycle.claim([job.id], due_at + 1, MARGIN)
        assert [taken.attempt for taken in [*claimed, *again]] == [2]
        if isinstance(answer, changing.NotChangeable):
            assert reread(job).scheduled_at == due_at + 1
        assert reread(job).state == "executing"


def test_of_retries_now_at_once_one_moves_the_job(account, moved_clock):
    job = retrying(account)
    answers = at_once(*(lambda: lifecycle.hasten([job.id], clock.now()) for _ in range(6)))
    assert sorted(answers) == [[], [], [], [], [], [job.id]]
    assert (reread(job).scheduled_at, reread(job).attempt, reread(job).state) == (clock.now(), 1, "retryable")


def test_a_retry_now_finds_no_job_whose_attempt_has_begun(account, moved_clock):
    job = retrying(account)
    lifecycle.claim([job.id], clock.now() + clock.HOUR, MARGIN)
    before = reread(job).scheduled_at

    with pytest.raises(changing.NotChangeable):
        changing.run_now(account.id, job.id, clock.now())

    assert reread(job).scheduled_at == before


def test_a_job_that_is_due_already_stays_where_it_stands(account, moved_clock):
    jobs = [retrying(account, due_in_s=-5), make_job(account, due_in_s=-5)]
    for job in jobs:
        assert changing.run_now(account.id, job.id, clock.now()).scheduled_at == job.scheduled_at
        assert reread(job).scheduled_at == job.scheduled_at


def test_a_mark_of_the_stager_does_not_keep_the_old_time(account, moved_clock):
    """Else nobody would publish it before its old time."""
    job = retrying(account, staged_at=clock.now(), held_until=clock.now() + clock.HOUR)
    changing.run_now(account.id, job.id, clock.now())
    assert (reread(job).staged_at, reread(job).held_until) == (None, None)


def test_jobs_of_each_state_run_again_once(account, moved_clock):
    waiting, failed = make_job(account, "scheduled", 60), retrying(account)
    ended = make_job(account, "discarded", -60)
    running = make_job(account, "executing", -1, claim_id=1, lease_until=clock.now() + MARGIN)
    ids = [job.id for job in (waiting, failed, ended, running)]

    assert changing.run_again(account.id, ids, clock.now()) == 3

    assert [reread(job).scheduled_at for job in (waiting, failed)] == [clock.now()] * 2
    [new] = [job for job in Job.select() if job.id not in ids]
    assert (new.state, new.scheduled_at) == ("available", clock.now())
    assert reread(running).scheduled_at == running.scheduled_at
