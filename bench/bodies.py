"""Measures what the size of a body costs: the drain, and what PostgreSQL logs (WAL) for an attempt.

A body is stored once. What an attempt changes of its job should not copy it.
"""

import secrets
from collections.abc import Iterator

from bench.drain import SLOWEST
from bench.figures import Figures, ratio
from bench.session import SECOND, WEEK, Session, add_jobs, await_recorded
from bench.targets import Target
from tests.support.journeys.client import now_us
from tests.support.journeys.product import Production

KIB = 1024
SIZES = {"2 KiB": (2 * KIB, 10_000, 1_500), "100 KiB": (100 * KIB, 2_000, 300)}  # octets, jobs, jobs of a quick round
AHEAD_US = 5 * SECOND  # the jobs are stored before they are due, so that their own WAL is not counted


def rounds(session: Session) -> Iterator[Figures]:
    for _ in session.each_round("bodies"):
        smallest = drained(session, 1, *SIZES["2 KiB"][1:])
        figures = {"1 octet, jobs/s": smallest[0], "1 octet, WAL octets an attempt": smallest[1]}
        for name, size in SIZES.items():
            per_s, wal = drained(session, *size)
            figures |= {f"{name}, jobs/s": per_s, f"{name}, WAL octets an attempt": wal}
            figures[f"{name}, share of 1 octet, %"] = 100 * ratio(per_s, smallest[0])
        yield figures


def drained(session: Session, size: int, full: int, quick: int) -> tuple[float, float]:
    """Jobs a second with bodies of this size, and octets of WAL for each."""
    count = session.size(full, quick)
    with session.production() as product, Target() as target:
        add_jobs(product, ordered(product, target.port, size), count, "scheduled", now_us() + AHEAD_US)
        before = wal_octets(product)
        jobs_per_s = target.await_arrivals(count, 30 + count / SLOWEST)
        await_recorded(product, count, 60)
        target.assert_arrivals(count)
        return jobs_per_s, (wal_octets(product) - before) / count


def ordered(product: Production, port: int, size: int) -> int:
    """A job with a body of this size that can't be compressed, due in a week; its id, for copying."""
    fields = {"url": f"http://127.0.0.1:{port}/ok", "method": "post", "body": secrets.token_hex(size // 2 + 1)[:size]}
    fields |= {"headers": {"X-Nonce": "bench"}, "schedule_in": WEEK // SECOND}  # type: ignore[dict-item]
    status, answer = product.client(port).ask("POST", "/api/jobs", fields)
    assert status == 201, answer
    return int(answer["data"]["job_id"])


def wal_octets(product: Production) -> int:
    return int(product.sql("SELECT pg_current_wal_insert_lsn() - '0/0'")[0][0])
