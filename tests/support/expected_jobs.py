"""Owns what the state machine of test_state_machine.py remembers by itself: orders, what was sent for them, and what
lies in the queue.

Plain Python facts: what a caller was told, and when. It reads no table, so it can't share a fault with what it judges.
"""

from dataclasses import dataclass, field
from types import SimpleNamespace

from dramatiq.errors import ConnectionClosed

from models.jobs.lifecycle import CRASHES_ALLOWED, ClaimedJob
from models.rules import clock
from workers.queue.actors import EARLY_US


@dataclass(eq=False)
class Message:
    """A `deliver` message, or a `probe` when it names no jobs."""

    named: tuple[int, ...]
    at: int  # due, or of a probe published


@dataclass(eq=False)
class Sent:
    """A claim, taken for a request that went out."""

    claim: ClaimedJob
    worker: int
    lease_until: int
    forsaken: bool = False  # its worker crashed
    ended: str | None = None  # recorded, lost or released; None: under way
    outcome: str | None = None  # the word of its attempt row


@dataclass(eq=False)
class ExpectedJob:
    """A job as its owner and its holders know it."""

    id: int
    key: str | None
    due_at: int
    max_attempts: int
    delay_s: int
    state: str = "waiting"  # waiting, executing, or a final one
    finished_at: int | None = None
    crashes: int = 0
    sent: list[Sent] = field(default_factory=list)
    message: Message | None = None  # the latest that names it; None: it may be published

    @property
    def attempt(self):
        """Attempts begun and not given back."""
        return sum(attempt.ended != "released" for attempt in self.sent)

    @property
    def under_way(self):
        return self.sent[-1] if self.sent and self.sent[-1].ended is None else None

    @property
    def is_fresh(self):
        """Whether it was never attempted."""
        return self.state == "waiting" and not self.sent

    @property
    def holds_key(self):
        return self.key is not None and self.is_fresh

    def claimed(self, claim, worker, now, lease_until):
        assert self.state == "waiting", f"job {self.id} was claimed while {self.state}"
        assert now >= self.due_at, f"job {self.id} was claimed {self.due_at - now} us early"
        assert claim.attempt == self.attempt + 1
        assert (claim.attempted_at, claim.scheduled_at) == (now, self.due_at)
        self.sent.append(Sent(claim, worker, lease_until))
        self.state, self.message = "executing", None

    def changed(self, due_at):
        """It may be due at another time, and no message counts any more."""
        self.due_at, self.message = due_at, None

    def cancelled(self, now):
        if self.state in ("waiting", "executing"):
            self.finish("cancelled", now)

    def finish(self, state, now):
        self.state, self.finished_at, self.message = state, now, None

    def recorded(self, sent, outcome, now):
        """Its holder tells the outcome; nothing comes of it when the claim is no longer its own."""
        if sent.ended is not None:
            return
        sent.ended, sent.outcome = "recorded", outcome.word
        if self.state != "executing":  # cancelled under way
            return
        self.crashes = 0
        if outcome.state == "retryable" and self.attempt < self.max_attempts:
            self.state, self.due_at = "waiting", now + self.delay_s * clock.SECOND
        else:
            self.finish("discarded" if outcome.state == "retryable" else outcome.state, now)

    def lost(self, now):
        """The lease of its holder has ended."""
        self.under_way.outcome, self.under_way.ended = "lost", "lost"
        if self.state == "cancelled":
            return
        self.crashes += 1
        if self.attempt >= self.max_attempts or self.crashes >= CRASHES_ALLOWED:
            self.finish("discarded", now)
        else:
            self.state = "waiting"

    def released(self):
        self.under_way.ended = "released"
        if self.state == "executing":
            self.state = "waiting"

    def row(self):
        """What its row must say, in the order of ROW."""
        held = self.under_way
        stamps = [
            self.finished_at if self.state == final else None for final in ("completed", "discarded", "cancelled")
        ]
        lease_until = held.lease_until if held else None
        claim_id = held.claim.claim_id if held else None
        counts = (self.attempt, self.crashes)
        return (self.id, self.state, self.due_at, *counts, *stamps, claim_id, lease_until, bool(self.message), False)

    def attempts(self):
        """What its attempt rows must say: number and outcome."""
        kept = [attempt for attempt in self.sent if attempt.ended != "released"]
        return [(number, attempt.outcome) for number, attempt in enumerate(kept, 1) if attempt.ended]


ROW = (
    "id, CASE WHEN state IN ('available', 'scheduled', 'retryable') THEN 'waiting' ELSE state END, scheduled_at, "
    "attempt, crashes, completed_at, discarded_at, cancelled_at, claim_id, lease_until, "
    "staged_at IS NOT NULL, state = 'executing' AND held_until IS NOT NULL"
)


class Queue:
    """Stands where workers.broker.Actors stands, with RabbitMQ's two queues: ready, and delayed until shortly before
    the messages are due."""

    def __init__(self, orders):
        self._orders = orders
        self.ready, self.delayed, self.consumed = [], [], []
        self.accepts = None  # how many messages more it takes; None: any number

    def send_deliver(self, jobs, due_at, now):
        if self.accepts is not None:
            if self.accepts == 0:
                raise ConnectionClosed(SimpleNamespace(args=("gone",)))
            self.accepts -= 1
        message = Message(tuple(job[0] for job in jobs), due_at)
        for job_id in message.named:
            assert self._orders[job_id].message is None, f"job {job_id} was published though a message names it"
            self._orders[job_id].message = message
        (self.delayed if due_at - EARLY_US > now else self.ready).append(message)

    def send_probe(self, now):
        self.ready.append(Message((), now))

    def let_go(self, now):
        """Move what is no longer early to the ready ones."""
        early = [message for message in self.delayed if message.at - EARLY_US > now]
        self.ready += sorted((each for each in self.delayed if each not in early), key=lambda message: message.at)
        self.delayed = early

    def take(self):
        message = self.ready.pop(0)
        self.consumed.append(message)
        return message

    def holds(self, message):
        return message in self.ready or message in self.delayed
