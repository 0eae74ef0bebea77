"""Each transition of a job as a call, and a job in each state."""

from models.jobs import lifecycle, states
from models.jobs.job_tables import Job
from models.jobs.lifecycle import ClaimedJob
from models.rules import clock
from tests.support.rows import make_job, stage_all

MARGIN = 10 * clock.SECOND


def held(job, claim_id=None):
    """The job as its claimer holds it."""
    row = Job.get_by_id(job.id)
    fields = {name: getattr(row, name, None) for name in ClaimedJob._fields}
    return ClaimedJob(**{**fields, "claim_id": claim_id or row.claim_id or 0})


def job_in(state, account, **columns):
    executing = {"claim_id": 77, "lease_until": clock.now(), "attempt": 1, "attempted_at": clock.now()}
    extra = executing if state == "executing" else {}
    stamp = {f"{state}_at": clock.now()} if state in states.FINAL else {}
    return make_job(account, state, **{**extra, **stamp, **columns})


def fitting_job(verb, account):
    """A job that the verb may change."""
    return job_in(states.TRANSITIONS[verb][0][0], account, max_attempts=1 if verb == "discard_lost" else 20)


VERBS = {
    "stage": lambda _job: stage_all(),
    "change": lambda job: lifecycle.change(job.id, {"name": "changed"}),
    "reschedule": lambda job: lifecycle.reschedule(job.id, {}, clock.now() + 5),
    "hasten": lambda job: lifecycle.hasten([job.id], clock.now() - 5),
    "claim": lambda job: lifecycle.claim([job.id], clock.now(), MARGIN),
    "complete": lambda job: lifecycle.complete([held(job)], clock.now()),
    "retry": lambda job: lifecycle.retry([(held(job), clock.now() + 5)]),
    "discard": lambda job: lifecycle.discard([held(job)], clock.now()),
    "release": lambda job: lifecycle.release([held(job)]),
    "cancel": lambda job: lifecycle.cancel([job.id], clock.now(), waiting_only=False),
    "rescue": lambda job: lifecycle.rescue(clock.now()),
    "discard_lost": lambda job: lifecycle.discard_lost(clock.now()),
    "prune": lambda job: lifecycle.prune(0, dict.fromkeys(states.FINAL, clock.now() + 1), 10)[0],
}
