"""Any history of a job keeps its promises: the real lifecycle, stager, recorder and rescuer against a plain ledger.

Hypothesis makes up histories of orders, cancels, clocks, messages delivered late, twice or never, outcomes, crashes and
stale holders. After each step every row must say what the ledger says. At the end the troubles cease, and every job
must reach one final state. BOOPER_TEST_EXAMPLES asks for that many histories, other ones each time.
"""

import json
import os
import sys
from typing import NamedTuple

from dramatiq.errors import BrokerError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from models.accounts import account_store
from models.database.connection import database
from models.database.sql import fetch
from models.jobs import job_store, lifecycle, staging
from models.jobs.job_store import NewJob
from models.operations import cancelling, changing
from models.operations.ticker_row import record_delivered
from models.rules import clock
from tests.support.clocks import START
from tests.support.expected_jobs import ROW, ExpectedJob, Queue
from tests.support.results import answered
from workers.delivery.attempt_records import Result
from workers.delivery.recorder import record
from workers.ticker.rescuer import rescue_lost
from workers.ticker.stager import Stager
from workers.transport.outcome import Outcome, Refused, Timings, Unreachable
from workers.transport.wire_format import Request

EXAMPLES = int(os.environ.get("BOOPER_TEST_EXAMPLES", "0"))
MARGIN = 10 * clock.SECOND
LOOK_AHEAD = 10 * clock.SECOND
BOUND = 4
SET_BACK_AT_MOST = 9 * clock.SECOND  # in all; beyond the 10 s of LOST_AFTER_US duplicates are allowed
DRAIN_STEP_S, DRAIN_STEPS = 15, 40
FINAL = ("completed", "discarded", "cancelled")


class OutcomeCase(NamedTuple):
    """An outcome that a holder tells, the word of its attempt row, and the state it leads to."""

    outcome: Outcome
    word: str
    state: str


OK = OutcomeCase(answered(200), "answered", "completed")
OUTCOMES = (
    OK,
    OutcomeCase(answered(500), "answered", "retryable"),
    OutcomeCase(Unreachable("timeout", "after 30 s", Timings()), "unreachable", "retryable"),
    OutcomeCase(answered(410), "answered", "discarded"),
    OutcomeCase(Refused("blocked_address", "10.0.0.1"), "refused", "discarded"),
)
WORKERS = st.integers(0, 1)
ANY = st.integers(0, 50)  # picks one of what there is
SLOTS = st.sampled_from([100, 1, 2])
HOLDS = st.sampled_from([None, 0.5, 3])  # seconds that jobs without a slot are put off; None: given back
ORDERS = st.tuples(
    st.sampled_from([None, None, "a", "b"]),  # idempotency key
    st.sampled_from([-5, 0, 0, 0.003, 2, 9, 30, 90]),  # due in so many seconds
    st.sampled_from([1, 2, 4, 4]),  # attempts allowed
    st.sampled_from([0, 1, 20]),  # seconds between them
)


class Jobs(RuleBasedStateMachine):
    def __init__(self, moved_clock):
        super().__init__()
        for table in ("job", "attempt", "log_entry"):
            database.execute_sql(f"DELETE FROM {table}")
        record_delivered(0)
        self.clock = moved_clock
        self.clock.now = self.latest = START
        self.account = account_store.account_named("alice", START)
        self.orders: dict[int, ExpectedJob] = {}
        self.changes = 0
        self.queue = Queue(self.orders)
        self.stager = Stager(self.queue, LOOK_AHEAD, BOUND)

    # What clients do.

    @initialize(orders=st.lists(ORDERS, min_size=2, max_size=7))
    def create_some(self, orders):
        for order in orders:
            self.create(*order)

    @rule(order=ORDERS)
    def create_one(self, order):
        self.create(*order)

    def create(self, key, due_in_s, max_attempts, delay_s):
        holder = next((order for order in self.orders.values() if key and order.key == key and order.holds_key), None)
        due_at = self.clock.now + int(due_in_s * clock.SECOND)
        policy = json.dumps({"fixed": delay_s})
        new = NewJob(self.account.id, '{"url": "http://x/"}', None, None, due_at, idempotency_key=key)
        limits = {"max_attempts": max_attempts, "timeout_ms": 1000 * max_attempts, "backoff": policy}
        job, made = job_store.create(new._replace(**limits), self.clock.now)
        assert made == (holder is None)
        if made:
            self.orders[job.id] = ExpectedJob(job.id, key, max(due_at, self.clock.now), max_attempts, max(delay_s, 1))
        else:
            assert job.id == holder.id

    @precondition(lambda self: len(self.orders) > 2)
    @rule(which=ANY, under_way=st.booleans())
    def cancel(self, which, under_way):
        order = pick(self.orders.values(), which)
        if under_way and self.claims():
            order = self.orders[pick(self.claims(), which).claim.id]
        answer = cancelling.cancel(self.account.id, order.id, self.clock.now)
        order.cancelled(self.clock.now)
        assert (answer.state == "cancelled") == (order.state == "cancelled")

    @precondition(lambda self: self.orders)
    @rule(which=ANY, due_in_s=st.sampled_from([None, 0, 2, 30]))
    def change(self, which, due_in_s):
        """Without a time, or with another one."""
        order = pick(self.orders.values(), which)
        due_at = order.due_at if due_in_s is None else self.clock.now + due_in_s * clock.SECOND
        wanted = NewJob(self.account.id, '{"url": "http://y/"}', None, None, due_at, hops=self.hops())
        wanted = wanted._replace(max_attempts=order.max_attempts, timeout_ms=1000 * order.max_attempts)
        wanted = wanted._replace(backoff=json.dumps({"fixed": order.delay_s}))
        try:
            changing.change(self.account.id, order.id, ["url"], lambda _row, _hops: wanted, self.clock.now)
        except changing.NotChangeable:
            assert not order.is_fresh
        else:
            assert order.is_fresh
            order.changed(due_at)

    @precondition(lambda self: self.orders)
    @rule(which=ANY)
    def run_now(self, which):
        order = pick(self.orders.values(), which)
        try:
            changing.run_now(self.account.id, order.id, self.clock.now)
        except changing.NotChangeable:
            assert order.state != "waiting" or order.sent[-1].ended in ("lost", "released")
        else:
            assert order.state == "waiting"
            if order.due_at > self.clock.now:
                order.changed(self.clock.now)

    def hops(self):
        """Another number each time, so that each change changes something."""
        self.changes += 1
        return self.changes

    # What time does.

    @rule(seconds=st.sampled_from([0.004, 1, 6, 12, 45]))
    def advance(self, seconds):
        self.clock.advance(seconds=seconds)
        self.latest = max(self.latest, self.clock.now)
        self.queue.let_go(self.clock.now)

    @precondition(lambda self: self.edges())
    @rule(which=ANY, short_us=st.sampled_from([0, 1, 1000]))
    def advance_to_an_edge(self, which, short_us):
        """When a job is due or a lease ends, or a little before."""
        self.advance(max(0, pick(self.edges(), which) - short_us - self.clock.now) / clock.SECOND)

    def edges(self):
        leases = [sent.lease_until for sent in self.claims()]
        return [order.due_at for order in self.orders.values() if order.state == "waiting"] + leases

    @precondition(lambda self: self.clock.now > self.latest - SET_BACK_AT_MOST)
    @rule(seconds=st.sampled_from([0.002, 1, 8]))
    def set_the_clock_back(self, seconds):
        self.clock.now = max(self.clock.now - int(seconds * clock.SECOND), self.latest - SET_BACK_AT_MOST)

    # From the table to the queue.

    @precondition(lambda self: self.unnamed())
    @rule(accepts=st.sampled_from([None, None, 0, 1]))
    def stage(self, accepts):
        self.queue.accepts = accepts
        try:
            self.stager.stage_due(self.clock.now)
        except BrokerError:
            assert self.queue.accepts == 0

    @precondition(lambda self: self.unnamed())
    @rule()
    def stage_twice_at_once(self):
        self.stage(None)
        self.stage(None)

    @precondition(lambda self: self.queue.ready or self.queue.delayed)
    @rule(delayed_ones=st.booleans())
    def purge(self, delayed_ones):
        self.queue.delayed = [] if delayed_ones else self.queue.delayed
        self.queue.ready = []

    @precondition(lambda self: any(order.message for order in self.orders.values()))
    @rule()
    def look_for_lost_messages(self):
        before = marked()
        self.stager.find_lost(self.clock.now)
        for job_id in before - marked():
            assert not self.queue.holds(self.orders[job_id].message), f"the message of job {job_id} was not lost"
            self.orders[job_id].message = None

    # From the queue to a holder.

    @rule(worker=WORKERS, slots=SLOTS, hold_s=HOLDS)
    def stage_and_deliver(self, worker, slots, hold_s):
        """Nothing is in the way, but for slots that are taken."""
        self.stage(None)
        while self.queue.ready:
            self.handle(self.queue.take(), worker, slots, hold_s)

    @precondition(lambda self: self.queue.ready)
    @rule(worker=WORKERS, slots=SLOTS, hold_s=HOLDS)
    def deliver(self, worker, slots, hold_s):
        self.handle(self.queue.take(), worker, slots, hold_s)

    @precondition(lambda self: self.queue.ready)
    @rule()
    def deliver_to_both_workers(self):
        message = self.queue.take()
        self.handle(message, 0)
        self.handle(message, 1)

    @precondition(lambda self: self.queue.consumed)
    @rule(which=ANY, worker=WORKERS)
    def deliver_an_old_message_again(self, which, worker):
        self.handle(pick(self.queue.consumed, which), worker)

    def handle(self, message, worker, slots=100, hold_s=None):
        """As workers/delivery/delivery.py does: claim what finds a slot, give back or put off the rest."""
        if not message.named:
            record_delivered(message.at)
            return
        now, named, rest = self.clock.now, message.named[:slots], message.named[slots:]
        for claim in lifecycle.claim(named, now, MARGIN):
            lease_until = now + claim.timeout_ms * clock.MILLISECOND + MARGIN
            self.orders[claim.id].claimed(claim, worker, now, lease_until)
        early, _ = staging.unclaimed(named, now)
        staging.unstage(early)
        if hold_s is None:
            staging.unstage(rest)
        else:
            staging.snooze(rest, now, int(hold_s * clock.SECOND))
        for job_id in (*early, *rest):
            self.orders[job_id].message = None

    # From a holder to the record.

    @precondition(lambda self: self.claims())
    @rule(which=ANY, ending=st.sampled_from(OUTCOMES))
    def finish(self, which, ending):
        self.tell([pick(self.claims(), which)], ending)

    @precondition(lambda self: self.claims())
    @rule(ending=st.sampled_from(OUTCOMES))
    def finish_together(self, ending):
        self.tell([sent for sent in self.claims() if not sent.forsaken], ending)

    @precondition(lambda self: any(sent.ended for order in self.orders.values() for sent in order.sent))
    @rule(which=ANY, ending=st.sampled_from(OUTCOMES))
    def a_stale_holder_tells_its_outcome(self, which, ending):
        """One whose job has a newer holder, if there is one."""
        ended = [sent for order in self.orders.values() for sent in order.sent if sent.ended]
        rivalled = [sent for sent in ended if self.orders[sent.claim.id].under_way]
        self.tell([pick(rivalled or ended, which)], ending)

    @precondition(lambda self: self.claims())
    @rule(worker=WORKERS)
    def crash(self, worker):
        for sent in self.claims():
            sent.forsaken |= sent.worker == worker

    @precondition(lambda self: self.claims())
    @rule()
    def rescue(self):
        ended = [
            order for order in self.orders.values() if order.under_way and order.under_way.lease_until <= self.clock.now
        ]
        assert rescue_lost(self.clock.now) == sum(order.state == "executing" for order in ended)
        for order in ended:
            order.lost(self.clock.now)

    @precondition(lambda self: self.claims())
    @rule(which=ANY, short_us=st.sampled_from([0, 1]))
    def rescue_as_a_lease_ends(self, which, short_us):
        lease_until = pick(self.claims(), which).lease_until
        self.advance(max(0, lease_until - short_us - self.clock.now) / clock.SECOND)
        self.rescue()

    @precondition(lambda self: self.claims())
    @rule(times=st.integers(1, 3))
    def crash_again_and_again(self, times):
        for _ in range(times):
            self.crash(0)
            self.crash(1)
            self.advance(45)
            self.rescue()
            self.stage_and_deliver(0, 100, None)

    @precondition(lambda self: self.claims())
    @rule(worker=WORKERS)
    def stop(self, worker):
        """A worker stops, and its grace is over before its requests are; one of them may not be its own any more."""
        held = [sent for order in self.orders.values() for sent in order.sent if sent.worker == worker]
        released = lifecycle.release([sent.claim for sent in held])
        executing = [sent.claim.id for sent in held if sent.ended is None]
        assert released == {job_id for job_id in executing if self.orders[job_id].state == "executing"}
        for job_id in executing:
            self.orders[job_id].released()

    def unnamed(self):
        return [order for order in self.orders.values() if order.state == "waiting" and not order.message]

    def tell(self, holders, ending):
        request = Request("GET", "", {}, None, 1000)
        record([Result(sent.claim, request, ending.outcome, self.clock.now) for sent in holders])
        for sent in holders:
            self.orders[sent.claim.id].recorded(sent, ending, self.clock.now)

    def claims(self):
        return [order.under_way for order in self.orders.values() if order.under_way]

    # What must hold.

    @invariant()
    def every_row_says_what_the_ledger_says(self):
        rows = fetch(f"SELECT {ROW} FROM job ORDER BY id")
        assert rows == [order.row() for order in self.orders.values()]

    @invariant()
    def the_attempts_on_record_are_those_that_ended(self):
        rows = fetch("SELECT job_id, number, outcome FROM attempt ORDER BY job_id, number")
        assert rows == [(order.id, *row) for order in self.orders.values() for row in order.attempts()]

    @invariant()
    def at_most_one_live_job_has_a_key(self):
        keys = [order.key for order in self.orders.values() if order.holds_key]
        assert len(keys) == len(set(keys))

    def the_log_tells_once_of_each_attempt_that_was_recorded(self):
        rows = fetch("SELECT job_id FROM log_entry WHERE event = 'worker.http.request' ORDER BY job_id")
        sent = [sent for order in self.orders.values() for sent in order.sent]
        assert [row[0] for row in rows] == [sending.claim.id for sending in sent if sending.ended == "recorded"]

    def teardown(self):
        if sys.exc_info()[0] is None:
            self.drain()

    def drain(self):
        """The troubles cease: every job reaches one final state, and was sent unless it was cancelled."""
        for _ in range(DRAIN_STEPS):
            if all(order.state in FINAL for order in self.orders.values()):
                break
            self.advance(DRAIN_STEP_S)
            self.rescue()
            self.look_for_lost_messages()
            self.stage_and_deliver(0, 100, None)
            self.finish_together(OK)
            self.every_row_says_what_the_ledger_says()
        self.the_attempts_on_record_are_those_that_ended()
        self.the_log_tells_once_of_each_attempt_that_was_recorded()
        assert {order.id: order.state for order in self.orders.values() if order.state not in FINAL} == {}
        assert all(order.sent or order.state == "cancelled" for order in self.orders.values())


def marked():
    return {row[0] for row in fetch("SELECT id FROM job WHERE staged_at IS NOT NULL")}


def pick(things, which):
    things = list(things)
    return things[which % len(things)]


def test_any_history_of_jobs_keeps_its_promises(db, moved_clock):
    profile = settings(
        max_examples=EXAMPLES or (120 if db == "sqlite" else 40),
        derandomize=not EXAMPLES,
        stateful_step_count=40,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(lambda: Jobs(moved_clock), settings=profile)
