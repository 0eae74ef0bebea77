"""Runs the benchmark: `make bench` writes docs/benchmarks.md, `make bench-quick` prints figures of smaller sizes.

It needs PostgreSQL and RabbitMQ (BOOPER_TEST_POSTGRES_URL, BOOPER_TEST_RABBITMQ_URL) and starts everything else. If a
workload fails, only its own rows are missing.
"""

import argparse
import sys
import time
from pathlib import Path

from tqdm import tqdm

from bench import report
from bench.lateness import machine
from bench.peers import peers
from bench.report import Result
from bench.session import RABBITMQ_URL, NotThereYet, Session
from bench.workloads import WORKLOADS, Workload
from tests.support.journeys.broker import shared_broker

DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"
QUICK_ROUNDS, FULL_ROUNDS = 1, 5
QUICK_DRAIN, FULL_DRAIN = 3_000, 20_000


def options() -> argparse.Namespace:
    names, peer_names = [workload.name for workload in WORKLOADS], [peer.name for peer in peers()]
    parser = argparse.ArgumentParser(prog="bench", description="how fast Booper is on this machine")
    parser.add_argument("--quick", action="store_true", help="small sizes, one round; writes no document")
    parser.add_argument("--rounds", type=int, help="how often everything is measured")
    parser.add_argument("--jobs", type=int, help="how many jobs a drain has")
    parser.add_argument("--only", nargs="+", choices=names, help="these workloads alone")
    parser.add_argument("--peers", nargs="*", choices=peer_names, default=peer_names, help="these peers alone")
    return parser.parse_args()


def main() -> int:
    """Measure and print; write the document after a full session of all workloads."""
    chosen = options()
    session = Session(
        quick=chosen.quick,
        rounds=chosen.rounds or (QUICK_ROUNDS if chosen.quick else FULL_ROUNDS),
        broker=shared_broker(RABBITMQ_URL),
        drained=chosen.jobs or (QUICK_DRAIN if chosen.quick else FULL_DRAIN),
        peer_names=frozenset(chosen.peers),
    )
    seen_first = machine()
    results = measured(session, workloads(chosen))
    show(seen_first, results, session)
    if not chosen.quick and len(results) == len(WORKLOADS):
        DOCUMENT.write_text(report.markdown(seen_first, results, session.notes))
        print(f"\nwritten to {DOCUMENT}")
    return 0


def workloads(chosen: argparse.Namespace) -> list[Workload]:
    """The workloads named on the command line, else all of the session."""
    if chosen.only:
        return [workload for workload in WORKLOADS if workload.name in chosen.only]
    return [workload for workload in WORKLOADS if workload.quick or not chosen.quick]


def measured(session: Session, workloads: list[Workload]) -> list[Result]:
    """The result of every workload, with a progress bar on a terminal."""
    with tqdm(total=len(workloads), unit="workload", disable=None, file=sys.stderr) as bar:
        session.tell = bar.set_description
        results = []
        for workload in workloads:
            results.append(result_of(session, workload))
            bar.update()
    return results


def result_of(session: Session, workload: Workload) -> Result:
    rounds: list[dict[str, float]] = []
    problem, began_s = "", time.monotonic()
    try:
        for figures in workload.rounds(session):
            rounds.append(figures)
    except NotThereYet as missing:
        problem = str(missing)
    except Exception as error:  # noqa: BLE001 - the other figures took hours and must not be lost
        problem = f"failed after {len(rounds)} rounds: {type(error).__name__}: {error}"
    return Result(workload, rounds, problem, time.monotonic() - began_s)


def show(seen: dict[str, str], results: list[Result], session: Session) -> None:
    for name, value in seen.items():
        print(f"{name:<10}{value}")
    print("\n" + report.plain(report.rows(results)))
    print("\n" + "\n".join([*(f"{name}: {note}" for name, note in session.notes.items()), *report.problems(results)]))
    print("took: " + ", ".join(f"{result.workload.name} {result.took_s:.0f} s" for result in results))
    if session.quick:
        print("quick: small sizes and one round; the bounds are meant for `make bench`")


if __name__ == "__main__":
    sys.exit(main())
