"""Defines every metric, and a function that counts each kind of event.

A metric is named `booper_…` with its unit. Its labels are few and bounded, never an account, a host or a URL. Functions
on the hot path take a whole group. prometheus_client keeps the values in this process, or in files that all processes
of one command share, if `runtime/metrics_files.py` has made a directory.
"""

import threading
from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from models.alerts import change_counts
from models.alerts.conditions import TROUBLES
from models.database.connection import connections_in_use
from models.jobs import transition_counts
from models.jobs.lifecycle import ClaimedJob
from models.rules.clock import SECOND
from models.rules.limits import GATES
from models.rules.request_rules import METHODS
from runtime import metrics_room
from runtime.version import __version__

metrics_room.install()
disable_created_metrics()  # booper_jobs_created would look like a number of jobs
REGISTRY = CollectorRegistry()
LATENESS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600)
LAG_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)
DURATION_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 7200)
REQUEST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
BACKLOG_JOBS = (0, 1, 10, 100, 1_000, 10_000)
SAMPLE_EVERY_S = 1.0


class GroupHistogram(Histogram):
    """A histogram that counts a group of values with one increment a bucket."""

    def observe_all(self, amounts: Sequence[float]) -> None:
        if not amounts:
            return
        last = len(self._upper_bounds) - 1
        for bucket, count in Tally(min(bisect_left(self._upper_bounds, each), last) for each in amounts).items():
            self._buckets[bucket].inc(count)
        self._sum.inc(sum(amounts))


def _gauge(name: str, meaning: str, labels: Sequence[str] = (), mode: str = "livesum") -> Gauge:
    return Gauge(name, meaning, labels, registry=REGISTRY, multiprocess_mode=mode)  # type: ignore[arg-type]


JOBS = Counter(
    "booper_jobs", "Jobs that went through a transition, once committed.", ("transition",), registry=REGISTRY
)
ATTEMPTS = Counter(
    "booper_attempts",
    "Attempts that ended, by outcome and class of the response's status (none: no response).",
    ("outcome", "status"),
    registry=REGISTRY,
)
INCIDENTS = Counter(
    "booper_incidents",
    "Incidents of alert rules that opened or closed, once committed.",
    ("change",),
    registry=REGISTRY,
)
ALERT_MESSAGES = Counter(
    "booper_alert_messages",
    "Messages of alert rules, about incidents and tests, that were made, and those that were delivered or given up.",
    ("result",),
    registry=REGISTRY,
)
OPERATOR_INCIDENTS = _gauge(
    "booper_operator_incidents", "Open incidents of Booper itself, from the process that watches.", ("type",)
)
OPERATOR_MESSAGES = Counter(
    "booper_operator_messages",
    "Messages to the operator that a target took (delivered), or did not take at a try (failed).",
    ("result",),
    registry=REGISTRY,
)
LATENESS = GroupHistogram(
    "booper_lateness_seconds", "Start of an attempt minus its due instant.", buckets=LATENESS_S, registry=REGISTRY
)
DURATION = GroupHistogram(
    "booper_attempt_duration_seconds",
    "Duration of an attempt that reached the network, from the lookup to the last byte.",
    buckets=DURATION_S,
    registry=REGISTRY,
)
PUBLISHES = Counter("booper_publishes", "Messages that the broker confirmed.", ("message",), registry=REGISTRY)
PUBLISH_FAILURES = Counter(
    "booper_publish_failures", "Messages that the broker did not confirm.", ("message",), registry=REGISTRY
)
MESSAGE_FAILURES = Counter(
    "booper_message_failures",
    "Messages that failed in a worker: raised (an actor failed) or dead (no actor; moved to the dead letters).",
    ("how",),
    registry=REGISTRY,
)
LEADING = _gauge("booper_ticker_leading", "1 if a ticker here leads, 0 if it stands by.")
TICKER_AT = _gauge(
    "booper_ticker_last_round_timestamp_seconds", "When the leading ticker last sent a heartbeat.", mode="max"
)
STAGER_AT = _gauge(
    "booper_stager_last_round_timestamp_seconds", "When the stager last ended a round without an error.", mode="max"
)
BACKLOG = _gauge(
    "booper_backlog_jobs",
    "Due and unclaimed jobs, in parts that are counted up to 10000 each; from the leading ticker.",
)
BACKLOG_AGE = _gauge("booper_backlog_oldest_age_seconds", "How long the oldest job of the backlog has been due.")
BACKLOGS = GroupHistogram(
    "booper_backlog_size_jobs", "The backlog at each measurement.", buckets=BACKLOG_JOBS, registry=REGISTRY
)
PARKED = _gauge(
    "booper_parked_jobs",
    "Due jobs that wait at a flow, a lane, a host or an account, counted up to 10000; from the leading ticker.",
    ("gate",),
)
PARKED_AGE = _gauge("booper_parked_oldest_age_seconds", "How long the job has been due that waits at a gate longest.")
SLOTS = _gauge("booper_sender_slots", "Requests that may be under way at once.")
SLOTS_IN_USE = _gauge("booper_sender_slots_in_use", "Requests under way.")
LOOP_LAG = Histogram(
    "booper_sender_loop_lag_seconds",
    "How late the loop that sends came to a timer, while requests are under way.",
    buckets=LAG_S,
    registry=REGISTRY,
)
CONNECTIONS = _gauge(
    "booper_database_connections_in_use", "Connections to PostgreSQL that threads hold, busy or idle.", ("process",)
)
REQUESTS = Counter(
    "booper_http_requests", "Requests the API answered.", ("method", "route", "status"), registry=REGISTRY
)
REQUEST_TIME = Histogram(
    "booper_http_request_duration_seconds",
    "Time until the API's response began.",
    ("method", "route"),
    buckets=REQUEST_S,
    registry=REGISTRY,
)
BUILD = _gauge("booper_build_info", "1; the version is the label.", ("version",), mode="max")

# A lookup here takes half the time of the library's. Bounded by the numbers of routes, methods and statuses.
_answered, _timed, _connections = cache(REQUESTS.labels), cache(REQUEST_TIME.labels), cache(CONNECTIONS.labels)
_counted_connections: dict[str, int] = {}
_count_lock = threading.Lock()
_by_transition = {name: JOBS.labels(name) for name in transition_counts.NAMES}
BUILD.labels(__version__).set(1)


def _count_transition(transition: str, jobs: int) -> None:
    _by_transition[transition].inc(jobs)
    if transition in ("rescued", "buried"):
        ATTEMPTS.labels("lost", "none").inc(jobs)


def _count_change(change: str, number: int) -> None:
    (ALERT_MESSAGES if change == change_counts.MADE else INCIDENTS).labels(change).inc(number)


transition_counts.listener = _count_transition
change_counts.listener = _count_change


def count_claimed(jobs: Iterable[ClaimedJob]) -> None:
    """Measure how late these jobs were claimed."""
    LATENESS.observe_all([max(0, job.attempted_at - job.scheduled_at) / SECOND for job in jobs])


def count_alert_messages(delivered: int, given_up: int) -> None:
    """Count messages of alert rules whose jobs ended. A test is one: it goes the way of the others, so that what ends
    is a part of what was made."""
    ALERT_MESSAGES.labels("delivered").inc(delivered)
    ALERT_MESSAGES.labels("given_up").inc(given_up)


def set_operator_incidents(types: Iterable[str]) -> None:
    """Note which troubles of Booper itself have an open incident."""
    is_open = set(types)
    for each in TROUBLES:
        OPERATOR_INCIDENTS.labels(each).set(each in is_open)


def count_operator_message(is_delivered: bool) -> None:
    OPERATOR_MESSAGES.labels("delivered" if is_delivered else "failed").inc()


def count_attempts(ended: Iterable[tuple[str, int | None, float | None]]) -> None:
    """Count recorded attempts, each as the outcome's name, the status code or None, and the duration in ms or None."""
    ended = list(ended)
    for (outcome, status), count in Tally((outcome, status_class(code)) for outcome, code, _ in ended).items():
        ATTEMPTS.labels(outcome, status).inc(count)
    DURATION.observe_all([total_ms / 1000 for _, _, total_ms in ended if total_ms is not None])


def status_class(code: int | None) -> str:
    """`2xx` for 204; `none` for a code outside of the five classes."""
    return f"{code // 100}xx" if code and 100 <= code <= 599 else "none"


def count_publish(message: str, taken: bool) -> None:
    """Count a message (`deliver`, `follow_up`, `probe`) that the broker confirmed, or did not."""
    (PUBLISHES if taken else PUBLISH_FAILURES).labels(message).inc()


def count_message_failure(how: str) -> None:
    MESSAGE_FAILURES.labels(how).inc()


def set_leading(leads: bool) -> None:
    """Note whether this process's ticker leads. Only the leader measures the backlog."""
    LEADING.set(leads)
    if not leads:
        BACKLOG.set(0)
        BACKLOG_AGE.set(0)
        set_parked(dict.fromkeys(GATES, 0))
        PARKED_AGE.set(0)


def set_ticker_alive(now: int) -> None:
    TICKER_AT.set(now / SECOND)
    set_connections("ticker")


def set_staged(now: int) -> None:
    STAGER_AT.set(now / SECOND)


def set_backlog(jobs: int, oldest_us: int) -> None:
    BACKLOG.set(jobs)
    BACKLOG_AGE.set(oldest_us / SECOND)
    BACKLOGS.observe_all([jobs])


def set_parked(jobs: Mapping[str, int]) -> None:
    """Note how many jobs wait, by the kind of their gate."""
    for gate, count in jobs.items():
        PARKED.labels(gate).set(count)


def set_parked_age(oldest_us: int) -> None:
    PARKED_AGE.set(oldest_us / SECOND)


def count_request(method: str, route: str, status: int, duration_s: float) -> None:
    """Count a request that the API answered. `method`: of METHODS or `other`; `route`: the template, or `none`."""
    _answered(method, route, str(status)).inc()
    _timed(method, route).observe(duration_s)


def known_method(method: str) -> str:
    """The method, or `other` for one that a client invented."""
    return method if method in METHODS else "other"


def set_connections(process: str) -> None:
    count = connections_in_use()
    if _counted_connections.get(process) != count:  # called after every request; the count rarely changes
        with _count_lock:
            count = connections_in_use()
            _connections(process).set(count)
            _counted_connections[process] = count


class Sampling:
    """A thread that measures once a second what changes too often to be counted at each change.

    `in_use` and `size`: the slots of this process. Call `start`, then `stop`.
    """

    def __init__(self, in_use: Callable[[], int], size: int) -> None:
        self._in_use = in_use
        self._size = size
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sampling", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(SAMPLE_EVERY_S)

    def _work(self) -> None:
        SLOTS.set(self._size)
        while not self._stop.wait(SAMPLE_EVERY_S):
            SLOTS_IN_USE.set(self._in_use())
            set_connections("worker")
        SLOTS.set(0)
        SLOTS_IN_USE.set(0)
