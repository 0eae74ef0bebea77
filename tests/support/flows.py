"""Orders jobs that join flows and lanes, and lets them through as the claim does."""

from models.database.connection import connection
from models.flows import orders, parking
from models.flows.gate_tables import Gate
from models.jobs.job_store import NewJob
from models.jobs.job_tables import Job
from models.operations import claims
from models.rules import clock
from models.rules.limits import FLOW, LANE, GateName, Limits

MARGIN = 10 * clock.SECOND


def flow(key="shop", rate=None, per_s=None, concurrency=None):
    """The flow of this key, with limits when any is named."""
    per_us = None if per_s is None else int(per_s * clock.SECOND)
    named = rate is not None or concurrency is not None
    return GateName(FLOW, key, Limits(rate, per_us, concurrency) if named else None)


def lane(key="user", stops=None):
    return GateName(LANE, key, None if stops is None else Limits(stops=int(stops)))


def order(account, *gates, count=1, in_s=0, host=""):
    """So many jobs that join these gates; their ids."""
    at = clock.now() + int(in_s * clock.SECOND)
    new = NewJob(account.id, "{}", None, None, at, gates=gates, host=host)
    return [orders.create(new, clock.now())[0].id for _ in range(count)]


def order_together(account, *gates):
    """A job for each of these gates, in one batch; their ids."""
    new = [NewJob(account.id, "{}", None, None, clock.now(), gates=(gate,)) for gate in gates]
    return [job.id for job, _ in orders.create_each(new, clock.now())]


def let_through(ids):
    """The jobs that the claim lets pass now, in the order of their ids."""
    with connection():
        claimed = claims.claim(list(ids), clock.now(), MARGIN)
    return sorted(claimed, key=lambda job: job.id)


def ids_through(ids):
    return [job.id for job in let_through(ids)]


def next_turns(ahead_s=0.0):
    """The ids and instants of the parked jobs that the ticker would name in messages now."""
    now = clock.now()
    return [(job.id, job.due_at) for job in parking.stage_next(now, now + int(ahead_s * clock.SECOND))]


def parked_at(gate_id):
    return [job.id for job in Job.select().where(Job.parked_by == gate_id).order_by(Job.id)]


def gate_of(kind, key):
    return Gate.get(Gate.kind == kind, Gate.key == key)


def order_with_two_behind(account):
    """A job of a flow and a lane, one that waits at the flow behind it, and one that waits at the lane; their ids."""
    shop, user = flow("shop", concurrency=1), lane("user")
    return [order(account, *gates)[0] for gates in [(shop, user), (shop,), (user,)]]


def sleep_all():
    """The ticker has looked at all gates."""
    Gate.update(wake_at=None).execute()


def keys_awake():
    """The gates that the ticker looks at now."""
    return {gate.key for gate in Gate.select().where(Gate.wake_at <= clock.now())}
