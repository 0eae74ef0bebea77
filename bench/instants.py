"""Measures lateness: of jobs that fall due evenly, of a herd due at one instant, and of jobs to slow targets."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figures
from bench.lateness import journey, recorded_lateness_us
from bench.session import SECOND, Session, add_jobs, await_recorded, model_job
from bench.targets import Target
from tests.support.journeys import checker
from tests.support.journeys.client import now_us
from tests.support.journeys.journey import Journey
from tests.support.journeys.processes import ReceiverProcess, descendants
from tests.support.journeys.product import Production
from tests.support.waiting import wait_until

RATES = (100, 500)
SLOTS_FOR_SLOW = {"BOOPER_SENDER_SLOTS": "14000", "BOOPER_WORKER_PROCESSES": "3"}  # a host may take half of the slots


def lateness(session: Session) -> Iterator[Figures]:
    """attempted_at - scheduled_at of jobs created through the API before the first is due; and the lateness at the
    receiver, which includes the commit of the claim and the wait for a sender."""
    seconds = session.size(60, 2)
    for _ in session.each_round("lateness"):
        figures: Figures = {}
        for rate in RATES:
            with tempfile.TemporaryDirectory() as name, ReceiverProcess(Path(name)) as receiver:
                with session.production() as product:
                    history = journey(Journey(product, receiver), rate, seconds)
            broken = checker.check(history)
            assert not broken, f"every job must arrive once and not early: {broken[0]}"
            seen = checker.percentiles(recorded_lateness_us(history))
            arrived = checker.lateness_us(history)
            for name in ("p50", "p99", "max"):
                figures[f"{name} at {rate}/s, ms"] = seen[name] / 1000
                figures[f"{name} at {rate}/s at the receiver, ms"] = arrived[name] / 1000
        yield figures


def herd(session: Session) -> Iterator[Figures]:
    """Jobs that are all due at one instant and were created well before: the time until the last attempt begins."""
    count = session.size(10_000, 1_000)
    for _ in session.each_round("herd"):
        with session.production() as product, Target() as target:
            due_at = order_herd(product, model_job(product, target.port), count)
            target.await_arrivals(count, 120)
            await_recorded(product, count, 60)
            ((last_at,),) = product.sql("SELECT max(started_at) FROM attempt")
        yield {"until the last is attempted, s": (last_at - due_at) / SECOND}


def order_herd(product: Production, model: int, count: int) -> int:
    """Make jobs that are due at one instant some seconds ahead; returns the instant."""
    due_at = now_us() + (3 + count // 1000) * SECOND
    far_at = now_us() + 1000 * SECOND
    add_jobs(product, model, count, "scheduled", far_at)
    product.sql("UPDATE job SET scheduled_at = %s WHERE id <> %s", (due_at, model))
    return due_at


def slow_targets(session: Session) -> Iterator[Figures]:
    """Jobs to a target that answers late: how many are under way at once, the time until all are recorded, and the peak
    memory of the workers. Two processes are the target, and three send: a process may often open 20,000 files."""
    count, takes_seconds = session.size(20_000, 300), session.size(10, 1)
    session.notes["slow targets"] = f"{count} jobs to a target that takes {takes_seconds} s; three processes send"
    for _ in session.each_round("slow targets"):
        with slow_target(2) as receivers, session.production(**SLOTS_FOR_SLOW) as product:
            models = [model_job(product, receiver.port, f"/slow/{takes_seconds}") for receiver in receivers]
            began_at = now_us()
            for model in models:
                add_jobs(product, model, count // len(models), "available", 0)
            most_at_once = await_all(product, count)
            ((last_at,),) = product.sql("SELECT max(completed_at) FROM job")
            peak_mb = peak_bytes(descendants(product.processes["worker"].pid)) / 1e6
        yield {
            "most under way at once": float(most_at_once),
            "until all are finished, s": (last_at - began_at) / SECOND,
            "peak memory of the workers, MB": peak_mb,
        }


@contextlib.contextmanager
def slow_target(processes: int) -> Iterator[list[ReceiverProcess]]:
    with contextlib.ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(processes)]
        yield [stack.enter_context(ReceiverProcess(folder)) for folder in folders]


def await_all(product: Production, count: int) -> int:
    """Wait until so many attempts are recorded; the most jobs that were seen under way at once."""
    seen = [0]

    def are_recorded() -> bool:
        under_way = "SELECT count(*) FROM job WHERE state = 'executing'"
        ((executing, recorded),) = product.sql(f"SELECT ({under_way}), (SELECT count(*) FROM attempt)")
        seen.append(executing)
        return recorded >= count

    wait_until(are_recorded, 600, f"{count} attempts", pause_seconds=0.2)
    return max(seen)


def peak_bytes(pids: list[int]) -> int:
    """The sum of the peak memory of the processes."""
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
