"""Measures the drain: due jobs through production mode, as fast as possible, alternating with the peers.

For each job every contestant sends one POST with a small JSON body to the same target and stores a durable record. The
rate counts from the first to the last arrival. A round ends when all records are stored, and counts only if each job
arrived once and has its complete record.
"""

from collections.abc import Iterator

from bench.figures import Figures, ratio
from bench.peers import Peer, contestants
from bench.session import SECOND, Session, add_jobs, await_recorded, model_job
from bench.targets import Target
from tests.support.journeys.client import now_us
from tests.support.journeys.processes import cpu_seconds
from tests.support.journeys.product import Embedded, Production

SLOWEST = 50  # jobs a second; a drain that is slower has failed
NAME = "Booper, jobs/s"


def rounds(session: Session) -> Iterator[Figures]:
    peers = contestants(session)
    for _ in session.each_round("drain"):
        with session.production() as product, Target() as target:
            figures = drained(product, target, session.drained)
        for peer in peers:
            session.tell(f"drain, {peer.name}")
            figures |= compared(session, peer, figures[NAME])
        yield figures


def compared(session: Session, peer: Peer, ours: float) -> Figures:
    """One drain of the peer. If it fails, a note says so and only its own figures are missing."""
    count = min(session.drained, session.size(peer.jobs, peer.quick_jobs))
    session.notes[peer.name] = f"{peer.settings}; {count} jobs"
    try:
        peer_rate = peer.drained(session, count)
    except (AssertionError, OSError) as error:
        session.notes[f"{peer.name}, failed"] = str(error)
        return {}
    return {f"{peer.name}, jobs/s": peer_rate, f"times {peer.name}": ratio(ours, peer_rate)}


def drained(product: Embedded | Production, target: Target, count: int) -> Figures:
    """One drain of `count` jobs that were all due a minute ago: the rate, and the CPU a job."""
    recorded, entries = records(product)
    before = spent_us(product, target)
    add_jobs(product, model_job(product, target.port), count, "available", now_us() - 60 * SECOND)
    jobs_per_s = target.await_arrivals(count, 30 + count / SLOWEST)
    await_recorded(product, recorded + count, 60)
    after = spent_us(product, target)
    target.assert_arrivals(count)
    assert records(product) == (recorded + count, entries + 2 * count), f"{count} whole records, got {records(product)}"
    return {NAME: jobs_per_s} | {name: (after[name] - before[name]) / count for name in after}


def records(product: Embedded | Production) -> tuple[int, int]:
    """How many attempts with status 200 there are, and how many log entries."""
    ((attempts, entries),) = product.sql(
        "SELECT (SELECT count(*) FROM attempt WHERE status_code = 200), (SELECT count(*) FROM log_entry)"
    )
    return attempts, entries


def spent_us(product: Embedded | Production, target: Target) -> dict[str, float]:
    """The CPU time so far of our processes and of the target."""
    return {
        "CPU of our processes, us a job": 1e6 * cpu_seconds(product.pids()),
        "CPU of the target, us a job": 1e6 * cpu_seconds([target.pid]),
    }


def embedded_rounds(session: Session) -> Iterator[Figures]:
    """The drain in embedded mode, where everything is one process."""
    for _ in session.each_round("embedded drain"):
        with session.embedded() as product, Target() as target:
            figures = drained(product, target, session.size(10_000, 1_500))
        yield {"jobs/s": figures[NAME], "CPU of our process, us a job": figures["CPU of our processes, us a job"]}
