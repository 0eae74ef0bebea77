"""Lists the workloads: what is measured, by which function, and the bound of each figure."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from bench import bodies, create, drain, events, flows, growth, instants, limit, pages, pruning, schedules, tls
from bench.figures import Figures
from bench.session import Session

AT_LEAST, AT_MOST = "at least", "at most"


class Bound(NamedTuple):
    """The bound of the median of one figure."""

    figure: str
    kind: str
    value: float

    def holds(self, median: float) -> bool:
        return median >= self.value if self.kind == AT_LEAST else median <= self.value

    def __str__(self) -> str:
        return f"{self.kind} {self.value:g}"


class Workload(NamedTuple):
    """One workload. `rounds` yields the figures of one round after another. `quick`: also part of a quick session."""

    name: str
    rounds: Callable[[Session], Iterator[Figures]]
    bounds: tuple[Bound, ...]
    quick: bool = True


PAGE_BOUNDS = (
    *(Bound(f"{page}, ms", AT_MOST, 100) for page in pages.PAGES),
    *(Bound(f"{timeline}, ms", AT_MOST, 150) for timeline in pages.TIMELINES),
    Bound("largest timeline, kB", AT_MOST, 200),
)

WORKLOADS = (
    Workload(
        "drain",
        drain.rounds,
        (
            Bound("Booper, jobs/s", AT_LEAST, 4000),
            Bound("times BullMQ", AT_LEAST, 1.2),
            Bound("times Celery", AT_LEAST, 20),
            Bound("times Procrastinate", AT_LEAST, 5),
            Bound("times plain Dramatiq", AT_LEAST, 7),
            Bound("times graphile-worker", AT_LEAST, 2.5),
        ),
    ),
    Workload("bodies", bodies.rounds, (Bound("2 KiB, share of 1 octet, %", AT_LEAST, 80),)),
    Workload("the limit", limit.rounds, ()),
    Workload("TLS", tls.rounds, (Bound("p99 of the lag, new connections, ms", AT_MOST, 5),)),
    Workload(
        "lateness",
        instants.lateness,
        (
            Bound("p50 at 100/s, ms", AT_MOST, 10),
            Bound("p99 at 100/s, ms", AT_MOST, 50),
            Bound("p99 at 500/s, ms", AT_MOST, 150),
        ),
    ),
    Workload("herd", instants.herd, (Bound("until the last is attempted, s", AT_MOST, 1),)),
    Workload(
        "slow targets",
        instants.slow_targets,
        (Bound("until all are finished, s", AT_MOST, 25), Bound("peak memory of the workers, MB", AT_MOST, 600)),
    ),
    Workload(
        "flows",
        flows.rounds,
        (
            Bound("share of the drain without, %", AT_LEAST, 60),
            Bound("one flow, % of its rate", AT_LEAST, 97),
            Bound("the fullest second of it", AT_MOST, flows.RATE),
            Bound("times that without", AT_MOST, 1.2),
        ),
    ),
    Workload("events", events.rounds, (Bound("hangs / answers", AT_MOST, 1.2),), quick=False),
    Workload(
        "schedules",
        schedules.rounds,
        (
            Bound("until all are planned, s", AT_MOST, 1),
            Bound("the same beside many idle, s", AT_MOST, 1),
            Bound("instants not fired once", AT_MOST, 0),
        ),
        quick=False,
    ),
    Workload("create", create.rounds, (Bound("share of it, %", AT_LEAST, 75),)),
    Workload("batch create", create.batch_rounds, (Bound("jobs/s", AT_LEAST, 10_000),)),
    Workload(
        "list",
        growth.lists,
        (
            Bound("first page, large / small", AT_MOST, 1.3),
            Bound("state filter, large / small", AT_MOST, 1.3),
            Bound("offset 10,000 of the large, ms", AT_MOST, 30),
        ),
    ),
    Workload(
        "pruning",
        pruning.rounds,
        (
            Bound("p99 of a create while pruning, times that without", AT_MOST, 1.2),
            Bound("jobs pruned/s", AT_LEAST, 4000),
        ),
    ),
    Workload("pages", pages.rounds, PAGE_BOUNDS, quick=False),
    Workload("growth", growth.drains, (Bound("large / small", AT_LEAST, 0.9),)),
    Workload("embedded mode", drain.embedded_rounds, (Bound("jobs/s", AT_LEAST, 800),)),
    Workload("memory per waiting job", growth.memory, (Bound("bytes a waiting job", AT_MOST, 0),)),
)
