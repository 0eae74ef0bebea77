"""Measures what a hanging receiver of events costs the jobs that the events are about: their lateness.

In each round the events of the same jobs go to a receiver that answers at once, and to a receiver that takes 30 s for
every event. Which of the two comes first alternates.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figures, percentile, ratio
from bench.session import SECOND, Session, add_jobs, model_job
from tests.support.journeys.client import now_us
from tests.support.journeys.processes import ReceiverProcess
from tests.support.journeys.product import Production
from tests.support.waiting import wait_until

RATE = 100
ANSWERS, HANGS = "/notified/events", "/notified/events/30"
LATENESS = (
    "SELECT attempt.lateness_us FROM attempt JOIN job ON job.id = attempt.job_id WHERE job.kind = 'request' "
    "AND attempt.number = 1"
)


def rounds(session: Session) -> Iterator[Figures]:
    """The p99 lateness of the jobs with each receiver, and the ratio of the two."""
    seconds, ahead_seconds = session.size(60, 5), session.size(15, 5)
    session.notes["events"] = f"{RATE} jobs/s for {seconds} s, with events to a receiver that answers, or takes 30 s"
    for number in session.each_round("events"):
        pair = (ANSWERS, HANGS) if number % 2 else (HANGS, ANSWERS)
        p99_ms = {path: lateness_p99_ms(session, path, seconds, ahead_seconds) for path in pair}
        yield {
            "p99 with one that answers, ms": p99_ms[ANSWERS],
            "p99 with one that hangs, ms": p99_ms[HANGS],
            "hangs / answers": ratio(p99_ms[HANGS], p99_ms[ANSWERS]),
        }


def lateness_p99_ms(session: Session, path: str, seconds: int, ahead_seconds: int) -> float:
    with tempfile.TemporaryDirectory() as name, ReceiverProcess(Path(name)) as receiver:
        with session.production() as product:
            count = order_notified(product, receiver, path, seconds, ahead_seconds)
            limit_seconds = ahead_seconds + seconds + 60
            wait_until(lambda: len(product.sql(LATENESS)) >= count, limit_seconds, f"{count} attempts", 0.5)
            return percentile([row[0] for row in product.sql(LATENESS)], 99) / 1000


def order_notified(product: Production, receiver: ReceiverProcess, path: str, seconds: int, ahead_seconds: int) -> int:
    """Make jobs that fall due one after another, from `ahead_seconds` on; returns how many."""
    count = RATE * seconds
    model = model_job(product, receiver.port)
    add_jobs(product, model, count, "scheduled", now_us() + 1000 * SECOND)
    product.sql(
        "UPDATE job SET notify = %s, scheduled_at = CAST(%s AS BIGINT) + (id - %s) * %s WHERE id <> %s",
        (
            json.dumps({"webhook": receiver.url(path)}),
            now_us() + ahead_seconds * SECOND,
            model,
            SECOND // RATE,
            model,
        ),
    )
    return count
