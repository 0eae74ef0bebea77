"""Any history of flows and lanes keeps their promises: the real claim, parking, stager, recorder and rescuer against a
judge that knows only when requests began and ended.

Hypothesis makes up histories of orders, schedules, limits, pauses, cancels, clocks, two workers, late starts, crashes
and wakings that got lost. At the end the troubles cease, and every job must reach a final state. BOOPER_TEST_EXAMPLES
asks for that many histories, other ones each time.
"""

import json
import os
import sys
from types import SimpleNamespace

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
from models.flows import closing, gates, late_starts, leaving, orders, parking
from models.flows.late_starts import SentJob
from models.jobs import lifecycle, staging
from models.jobs.job_store import NewJob
from models.operations import cancelling, claims
from models.operations.ticker_row import record_delivered
from models.rules import clock
from models.rules.limits import ACCOUNT, FLOW, HOST, LANE, Limits
from models.schedules import policies, schedule_changes
from models.schedules.schedule_store import NewSchedule
from tests.support.clocks import START
from tests.support.expected_jobs import Queue
from tests.support.flow_judge import Promise, Run, Turn, broken_promises, out_of_order
from tests.support.flows import flow, lane
from tests.support.results import answered
from workers.delivery import last_look
from workers.delivery.attempt_records import Result
from workers.delivery.recorder import record
from workers.ticker import planner
from workers.ticker.rescuer import rescue_lost
from workers.ticker.stager import Stager
from workers.transport.wire_format import Request

EXAMPLES = int(os.environ.get("BOOPER_TEST_EXAMPLES", "0"))
MARGIN, LOOK_AHEAD, BOUND = 10 * clock.SECOND, 10 * clock.SECOND, 100
ARGS = '{"url": "http://a.example/"}'
TIMEOUT_MS, DELAY_S, HOST_NAME = 1000, 3, "a.example"
LITTLE = clock.SECOND // 2  # how late a request may be without being counted anew before it goes out
FINAL = ("completed", "discarded", "cancelled")
DRAIN_STEPS = 150
ANY = st.integers(0, 50)  # picks one of what there is
WORKERS = st.integers(0, 1)
FLOWS, LANES = ("a", "b"), ("x", "y")
LIMITS = st.sampled_from(
    [Limits(2, 5 * clock.SECOND), Limits(1, 2 * clock.SECOND), Limits(3, 20 * clock.SECOND, 2), Limits(None, None, 1)]
    + [Limits(None, None, 3), Limits()]
)
ORDERS = st.tuples(
    st.sampled_from([None, *FLOWS, *FLOWS]),
    st.sampled_from([None, None, *LANES]),
    st.sampled_from([0, 0, 0, 2, 9]),  # due in so many seconds
    st.sampled_from([1, 2, 4]),  # attempts allowed
)
EVERY_S = 4
SCHEDULES = st.tuples(st.sampled_from(LANES), st.sampled_from(policies.OVERLAPS), st.sampled_from(policies.MISFIRES))
GATES = st.sampled_from([(FLOW, "a"), (FLOW, "b"), (LANE, "x"), (HOST, HOST_NAME), (ACCOUNT, "")])


class Flows(RuleBasedStateMachine):
    def __init__(self, moved_clock):
        super().__init__()
        for table in ("firing", "schedule", "job", "attempt", "log_entry", "gate", "gate_start"):
            database.execute_sql(f"DELETE FROM {table}")
        record_delivered(0)
        self.clock = moved_clock
        self.clock.now = START
        self.account = account_store.account_named("alice", START)
        self.promises = {key: [Promise(START)] for key in FLOWS}
        self.jobs = {}  # by id, in the order in which they were created
        self.schedules = {}  # their lanes, by id
        self.sent = []  # requests: claim, worker, and when each began and ended
        self.unsent = []  # claims whose requests have not gone out yet, each with its worker
        self.queue = Queue(self.jobs)
        self.stager = Stager(self.queue, LOOK_AHEAD, BOUND)

    # What clients do.

    @initialize(first=st.lists(ORDERS, min_size=3, max_size=9), limits=st.lists(LIMITS, min_size=2, max_size=2))
    def begin(self, first, limits):
        for key, each in zip(FLOWS, limits, strict=True):
            self.change_limits(key, each)
        for each in first:
            self.create(*each)

    @precondition(lambda self: len(self.schedules) < 2)
    @rule(which=SCHEDULES)
    def order_again_and_again(self, which):
        lane_key, overlap, misfire = which
        order = self.new_job(None, lane_key, EVERY_S, 2)
        frequency = json.dumps({"repeat_every": EVERY_S})
        new = NewSchedule(order, frequency, order.scheduled_at, overlap=overlap, misfire=misfire)
        schedule, _, _ = schedule_changes.create(new, self.clock.now, 100)
        self.schedules[schedule.id] = lane_key
        self.note_made()

    @precondition(lambda self: self.schedules)
    @rule(which=ANY)
    def run_now(self, which):
        schedule_changes.fire_now(self.account.id, pick(self.schedules, which), self.clock.now)
        self.note_made()

    def plan(self):
        """As the ticker does before it stages."""
        planner.expire(self.clock.now)
        planner.plan_due(self.clock.now)
        self.note_made()

    def note_made(self):
        """Those that schedules have made."""
        rows = fetch("SELECT id, schedule_id, scheduled_at FROM job WHERE schedule_id IS NOT NULL ORDER BY id")
        for job_id, schedule_id, due_at in rows:
            if job_id not in self.jobs:
                self.note(job_id, None, self.schedules[str(schedule_id)], due_at, joined_at=due_at)

    def note(self, job_id, flow_key, lane_key, due_at, joined_at=START):
        self.jobs[job_id] = SimpleNamespace(
            id=job_id,
            flow=flow_key,
            lane=lane_key,
            message=None,
            final_at=None,
            let_at=None,
            due_at=due_at,
            joined_at=joined_at,
        )

    @rule(order=ORDERS, count=st.sampled_from([1, 1, 4]))
    def order(self, order, count):
        for _ in range(count):
            self.create(*order)

    def create(self, flow_key, lane_key, in_s, attempts):
        new = self.new_job(flow_key, lane_key, in_s, attempts)
        row, _ = orders.create(new, self.clock.now)
        self.note(row.id, flow_key, lane_key, new.scheduled_at)

    def new_job(self, flow_key, lane_key, in_s, attempts):
        names = [flow(flow_key)] if flow_key else []
        names += [lane(lane_key)] if lane_key else []
        new = NewJob(self.account.id, ARGS, None, None, self.clock.now + in_s * clock.SECOND, gates=tuple(names))
        backoff = json.dumps({"fixed": DELAY_S})
        return new._replace(max_attempts=attempts, timeout_ms=TIMEOUT_MS, backoff=backoff, host=HOST_NAME)

    @rule(key=st.sampled_from(FLOWS), limits=LIMITS)
    def change_limits(self, key, limits):
        self.clock.now += 1  # starts of the same instant would count for the new promise
        gate = gates.ensure(self.account.id, FLOW, key, self.clock.now)
        gates.set_limits(gate, limits, False, self.clock.now)
        # What began under other limits may be forgotten: each promise counts from its beginning.
        self.promises[key].append(Promise(self.clock.now, *limits[:3], counts_from=self.clock.now))

    @rule(key=st.sampled_from(FLOWS))
    def reset(self, key):
        self.clock.now += 1
        closing.reset(self.account.id, FLOW, key, self.clock.now)
        self.promises[key].append(self.promises[key][-1]._replace(since=self.clock.now, counts_from=self.clock.now))

    @rule(gate=GATES, for_s=st.sampled_from([None, 1, 4, 12]))
    def pause(self, gate, for_s):
        until = None if for_s is None else self.clock.now + for_s * clock.SECOND
        closing.pause(self.account.id, *gate, until, None, self.clock.now)

    @rule(gate=GATES)
    def resume(self, gate):
        closing.resume(self.account.id, *gate, self.clock.now)

    @precondition(lambda self: len(self.jobs) > 3)
    @rule(which=ANY)
    def cancel(self, which):
        cancelling.cancel(self.account.id, pick(self.jobs, which), self.clock.now)

    # What time does.

    @rule(seconds=st.sampled_from([0.004, 0.5, 1, 2, 5, 12]))
    def advance(self, seconds):
        self.clock.advance(seconds=seconds)
        self.queue.let_go(self.clock.now)

    # From the table to a worker.

    @rule()
    def stage(self):
        self.plan()
        self.stager.stage_due(self.clock.now)

    @rule(worker=WORKERS, most=st.sampled_from([1, 3, 100]), late=st.integers(0, 2))
    def stage_and_deliver(self, worker, most, late):
        self.stage()
        for _ in range(min(len(self.queue.ready), most)):
            self.handle(self.queue.take(), worker, late)

    @precondition(lambda self: self.queue.ready)
    @rule(worker=WORKERS, late=st.integers(0, 2))
    def deliver_the_last_first(self, worker, late):
        self.queue.ready.reverse()
        self.handle(self.queue.take(), worker, late)

    @precondition(lambda self: self.queue.consumed)
    @rule(which=ANY, worker=WORKERS)
    def deliver_an_old_message_again(self, which, worker):
        self.handle(pick(self.queue.consumed, which), worker, 0)

    def handle(self, message, worker, late):
        """As workers/delivery/delivery.py does; the last `late` of the claimed requests do not go out at once."""
        if not message.named:
            record_delivered(message.at)
            return
        claimed = claims.claim(message.named, self.clock.now, MARGIN)
        for claim in claimed:
            self.jobs[claim.id].let_at = self.jobs[claim.id].let_at or self.clock.now
        first = len(claimed) - late
        for claim in claimed[: max(first, 0)]:
            self.begins(claim, worker)
        self.unsent += [(claim, worker) for claim in claimed[max(first, 0) :]]
        early, held = staging.unclaimed(message.named, self.clock.now)
        staging.unstage([*early, *held])
        for job_id in message.named:
            self.jobs[job_id].message = None

    def begins(self, claim, worker):
        assert self.clock.now >= self.jobs[claim.id].due_at
        began_at = max(self.clock.now, claim.start.at if claim.start else 0)  # its sender waits for its turn
        self.sent.append(SimpleNamespace(claim=claim, worker=worker, began_at=began_at, ended_at=None))

    @precondition(lambda self: self.unsent)
    @rule(after_s=st.sampled_from([0, 0.1, 1, 3]))
    def late_requests_go_out(self, after_s):
        """Those of workers that are still there; a claim that was taken back may not go."""
        self.advance(after_s)
        late, self.unsent = self.unsent, []
        unwanted = last_look.withdraw_cancelled([claim for claim, _ in late])
        counted = [claim for claim, _ in late if claim.start is not None and claim.id not in unwanted]
        unwanted |= late_starts.count_anew(counted)
        for claim, worker in late:
            if claim.id not in unwanted:
                self.begins(claim, worker)

    @precondition(lambda self: self.unsent)
    @rule(after_s=st.sampled_from([0.03, 0.3]), corrected_after_s=st.sampled_from([0, 0.3]))
    def requests_go_out_a_little_late(self, after_s, corrected_after_s):
        """Their starts are corrected when they have gone."""
        self.advance(after_s)
        late = [each for each in self.unsent if each[0].start and 0 <= self.clock.now - each[0].start.at < LITTLE]
        self.unsent = [each for each in self.unsent if each not in late]
        gone_at, unwanted = self.clock.now, last_look.withdraw_cancelled([claim for claim, _ in late])
        wanted = [(claim, worker) for claim, worker in late if claim.id not in unwanted]
        for claim, worker in wanted:
            self.begins(claim, worker)
        self.advance(corrected_after_s)
        late_starts.correct([SentJob(claim, gone_at) for claim, _ in wanted])

    @precondition(lambda self: self.queue.ready or self.queue.delayed)
    @rule()
    def purge(self):
        self.queue.ready, self.queue.delayed = [], []

    @rule()
    def look_for_lost_messages(self):
        before = marked()
        self.stager.find_lost(self.clock.now)
        for job_id in before - marked():
            self.jobs[job_id].message = None

    @rule()
    def all_wakings_get_lost(self):
        """The processes that should have woken gates died between the commit and the call."""
        database.execute_sql("UPDATE gate SET wake_at = NULL")

    @rule()
    def look_for_lost_wakings(self):
        parking.wake_forgotten(self.clock.now)

    # From a worker to the record.

    def under_way(self):
        return [sent for sent in self.sent if sent.ended_at is None]

    def held(self):
        return [sent for sent in self.under_way() if sent.worker is not None]

    @precondition(lambda self: self.held())
    @rule(which=ANY, status=st.sampled_from([200, 200, 500, 410]))
    def finish(self, which, status):
        self.tell([pick(self.held(), which)], status)

    @precondition(lambda self: self.held())
    @rule(status=st.sampled_from([200, 500]))
    def finish_together(self, status):
        self.tell(self.held(), status)

    def tell(self, ended, status):
        request = Request("GET", "", {}, None, TIMEOUT_MS)
        self.clock.now += 1  # whatever begins at the end of another has begun after it
        record([Result(sent.claim, request, answered(status), self.clock.now) for sent in ended])
        self.end(ended)

    def end(self, ended):
        for sent in ended:
            sent.ended_at = self.clock.now

    @rule(worker=WORKERS)
    def crash(self, worker):
        for sent in self.under_way():
            sent.worker = None if sent.worker == worker else sent.worker
        self.unsent = [(claim, holder) for claim, holder in self.unsent if holder != worker]

    @rule()
    def rescue(self):
        rescue_lost(self.clock.now)
        self.end([sent for sent in self.under_way() if lease_end(sent.claim) <= self.clock.now])
        self.unsent = [(claim, worker) for claim, worker in self.unsent if lease_end(claim) > self.clock.now]

    @precondition(lambda self: self.held())
    @rule(worker=WORKERS)
    def stop(self, worker):
        """A worker stops, and its grace is over before its requests are."""
        mine = [sent for sent in self.held() if sent.worker == worker]
        unsent = [claim for claim, holder in self.unsent if holder == worker]
        self.unsent = [(claim, holder) for claim, holder in self.unsent if holder != worker]
        self.clock.now += 1
        left = [*(sent.claim for sent in mine), *unsent]
        lifecycle.release(left)
        leaving.make_room(left)
        self.end(mine)

    # What must hold.

    @invariant()
    def no_promise_is_broken(self):
        self.note_final()
        for key in FLOWS:
            runs = [Run(sent.claim.id, sent.began_at, sent.ended_at) for sent in self.sent_of(key)]
            assert broken_promises(key, runs, self.promises[key]) == []
        for key in LANES:
            of_lane = sorted((job for job in self.jobs.values() if job.lane == key), key=lambda job: job.id)
            assert out_of_order(key, [self.turn(job) for job in of_lane]) == []

    def note_final(self):
        rows = fetch("SELECT id, COALESCE(completed_at, discarded_at, cancelled_at) FROM job")
        for job_id, final_at in rows:
            self.jobs[job_id].final_at = final_at

    def sent_of(self, key):
        return [sent for sent in self.sent if self.jobs[sent.claim.id].flow == key]

    def turn(self, job):
        began = [sent.began_at for sent in self.sent if sent.claim.id == job.id]
        return Turn(job.id, min(began, default=None), job.final_at, job.joined_at, job.let_at)

    def teardown(self):
        if sys.exc_info()[0] is None:
            self.drain()

    def drain(self):
        """The troubles cease: every job reaches a final state."""
        for gate in ((FLOW, "a"), (FLOW, "b"), (LANE, "x"), (LANE, "y"), (HOST, HOST_NAME), (ACCOUNT, "")):
            self.resume(gate)
        for schedule_id in self.schedules:
            schedule_changes.disable(self.account.id, schedule_id, self.clock.now)
        for _ in range(DRAIN_STEPS):
            if not fetch("SELECT 1 FROM job WHERE state NOT IN ('completed', 'discarded', 'cancelled') LIMIT 1"):
                break
            self.advance(3)
            self.rescue()
            self.look_for_lost_messages()
            self.look_for_lost_wakings()
            self.stage_and_deliver(0, 100, 0)
            self.late_requests_go_out(0)
            self.tell(self.held(), 200)
            self.no_promise_is_broken()
        rest = fetch(f"SELECT id, state, parked_by, staged_at FROM job WHERE state NOT IN {FINAL}")
        assert rest == [], "jobs that never became final"


def lease_end(claim):
    return claim.attempted_at + claim.timeout_ms * clock.MILLISECOND + MARGIN


def marked():
    return {row[0] for row in fetch("SELECT id FROM job WHERE staged_at IS NOT NULL")}


def pick(things, which):
    things = list(things)
    return things[which % len(things)]


def test_any_history_of_flows_and_lanes_keeps_their_promises(db, moved_clock):
    profile = settings(
        max_examples=EXAMPLES or (12 if db == "sqlite" else 5),
        derandomize=not EXAMPLES,
        stateful_step_count=40,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(lambda: Flows(moved_clock), settings=profile)
