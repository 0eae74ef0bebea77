"""A change of a job against claims and other changes at the same moment."""

import json

import pytest

from models.flows.gate_tables import Gate
from models.jobs import lifecycle
from models.jobs.job_store import NewJob
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
