"""The limit: our transport on bare threads, sending what the drain sends and nothing else.

Two processes, as in production mode. How many threads do best is tried once; the drain's share is of the best.
`python -m bench.limit PORT COUNT THREADS` is one of the processes.
"""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from bench.drain import NAME, drained
from bench.figures import Figures, ratio
from bench.session import Session
from bench.targets import Target
from workers.guard import AddressPolicy, parse_allow
from workers.outbound import Request, Transport

PROCESSES = 2
TRIED, QUICK_TRIED = (1, 2, 4, 16, 64, 128), (4, 16)
HEADERS = {
    "X-Nonce": "bench-0-1234",
    "Content-Type": "application/json",
    "Idempotency-Key": "0b6c3c0e-5d52-4f0c-9d5f-0d5e1b8f1a11",
    "Booper-Job-Id": "0b6c3c0e-5d52-4f0c-9d5f-0d5e1b8f1a11",
    "Booper-Attempt": "1",
    "Booper-Hop": "1",
    "Booper-Scheduled-At": "2026-01-01T09:00:00.000000Z",
}


def rounds(session: Session) -> Iterator[Figures]:
    tried = QUICK_TRIED if session.quick else TRIED
    session.tell("the limit: how many threads do best")
    best = max(tried, key=lambda threads: sent_per_s(session.size(8_000, 1_500), threads))
    session.notes["the limit"] = f"the best of {tried} threads in each of {PROCESSES} processes: {best}"
    for _ in session.each_round("the limit"):
        with session.production() as product, Target() as target:
            ours = drained(product, target, session.drained)[NAME]
        limit = sent_per_s(session.drained, best)
        yield {
            "sending alone, requests/s": limit,
            "drain, jobs/s": ours,
            "share of the limit, %": 100 * ratio(ours, limit),
        }


def sent_per_s(count: int, threads: int) -> float:
    """The rate at which two processes of so many threads send."""
    with Target() as target:
        command = [sys.executable, "-m", "bench.limit", str(target.port), str(count // PROCESSES), str(threads)]
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


def send_all(port: int, count: int, threads: int) -> None:
    """So many requests from so many threads, each with its equal part."""
    transport = Transport(AddressPolicy(parse_allow("127.0.0.0/8"), frozenset()), connections=threads)
    request = Request("POST", f"http://127.0.0.1:{port}/ok", HEADERS, b'{"nonce": "bench-0-1234"}', 30_000)

    def send(part: int) -> None:
        for _ in range(part):
            transport.send(request)

    parts = [count // threads + (number < count % threads) for number in range(threads)]
    workers = [threading.Thread(target=send, args=(part,)) for part in parts]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    transport.close()


if __name__ == "__main__":
    send_all(*map(int, sys.argv[1:]))
