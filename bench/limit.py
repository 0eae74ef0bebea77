"""Measures the limit: the rate of the product's senders when they do nothing but send.

Two processes, as in production mode, each run the product's senders and transport. Jobs come from memory, slots are
taken and released, and nothing is recorded: no queue, no database. Left: bare threads that call the transport in a loop
with one request, which is another program. `python -m bench.limit PORT COUNT` runs one of the processes.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bench.drain import NAME, drained
from bench.figures import Figures, ratio
from bench.session import Session
from bench.targets import Target
from models.database.ids import new_id
from models.jobs.lifecycle import ClaimedJob
from models.rules import clock
from models.rules.address_rules import AddressPolicy, parse_allow
from runtime import gc_tuning
from workers.delivery.attempt_records import Result
from workers.delivery.last_look import LastLook
from workers.delivery.recorder import Recorder
from workers.delivery.senders import Senders
from workers.delivery.slots.slots import Slots
from workers.transport.client import Transport
from workers.transport.deadline import Permission

PROCESSES = 2
SLOTS = 2048
A_MESSAGE = 100
LIMIT_S = 600


def rounds(session: Session) -> Iterator[Figures]:
    session.notes["the limit"] = f"the senders of {PROCESSES} worker processes, fed from memory; nothing is recorded"
    for _ in session.each_round("the limit"):
        with session.production() as product, Target() as target:
            ours = drained(product, target, session.drained)[NAME]
        limit = sent_per_s(session.drained)
        yield {
            "sending alone, requests/s": limit,
            "drain, jobs/s": ours,
            "share of the limit, %": 100 * ratio(ours, limit),
        }


def sent_per_s(count: int) -> float:
    """Requests a second by the senders of two processes that do nothing else."""
    with Target() as target:
        command = [sys.executable, "-m", "bench.limit", str(target.port), str(count // PROCESSES)]
        root = Path(__file__).parent.parent
        senders = [subprocess.Popen(command, cwd=root, env=dict(os.environ)) for _ in range(PROCESSES)]
        try:
            return target.await_arrivals(count // PROCESSES * PROCESSES, 60 + count / 50)
        finally:
            for sender in senders:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    sender.wait(10)
                sender.kill()
                sender.wait(10)


class Forgetting(Recorder):
    """A recorder that records nothing."""

    def put(self, results: Iterable[Result]) -> None:
        pass


class Certain(LastLook):
    """Asks no table: none of the jobs is cancelled."""

    def may_go(self, job: ClaimedJob, count_anew: bool, answer: Callable[[Permission], object]) -> None:  # noqa: ARG002
        answer(Permission(True))


def send_all(port: int, count: int) -> None:
    """Give `count` jobs to the senders of one process, in the way of the deliver actor."""
    gc_tuning.collect_rarely()
    gc_tuning.exempt_all()
    transport = Transport(AddressPolicy(parse_allow("127.0.0.0/8"), frozenset()), connections=SLOTS)
    slots = Slots(count, 1)  # what is refused here would be given back all the same
    senders = Senders(slots, transport, Forgetting(), clock.MINUTE, last_look=Certain())
    senders.start()
    for first in range(1, count + 1, A_MESSAGE):
        jobs = [claimed(number, port) for number in range(first, min(first + A_MESSAGE, count + 1))]
        with senders.room(A_MESSAGE, LIMIT_S):
            slots.take([job.ref for job in jobs])
            senders.submit(jobs)
    senders.drain(LIMIT_S)


def claimed(number: int, port: int) -> ClaimedJob:
    """A claimed job like those of the drain."""
    args = {"method": "post", "url": f"http://127.0.0.1:{port}/ok", "headers": {"X-Nonce": f"bench-0-{number}"}}
    values = dict.fromkeys(ClaimedJob._fields)
    now = clock.now()
    identity = {"id": number, "uuid": new_id(), "account_id": 1, "host": "127.0.0.1", "hops": 0, "kind": "request"}
    policy = {"attempt": 1, "max_attempts": 20, "timeout_ms": 30_000, "claim_id": 1}
    times = {"inserted_at": now, "scheduled_at": now, "attempted_at": now}
    sent = {"args": json.dumps(args), "body": b'{"nonce": "bench-0-1"}', "content_type": "application/json"}
    return ClaimedJob(**{**values, **identity, **policy, **times, **sent})  # type: ignore[arg-type]


if __name__ == "__main__":
    send_all(*map(int, sys.argv[1:]))
