"""Makes the cards of the overview: a figure of the last hour with its course, and where what it counts is shown."""

from collections.abc import Sequence
from typing import NamedTuple

from flask import url_for

from api.dashboard.charts import Bar
from api.dashboard.filters import iso, us
from api.dashboard.timelines import sparklines
from api.dashboard.timelines.sparklines import Sparkline
from models.operations import heartbeats
from models.operations.heartbeats import Minute
from models.operations.timelines import host_figures, waiting_causes
from models.operations.timelines.waiting_causes import CAUSES, LOOKED_AT, SLOT
from models.rules.clock import HOUR, MINUTE
from models.rules.lateness import LATE_AFTER_US
from models.rules.limits import ACCOUNT, FLOW, HOST, LANE

GOOD, WARN, BAD = "good", "warn", "bad"
HEALTHY, SICK = 0.99, 0.95  # parts of the attempts that succeed
CAUSE_TEXTS = {
    ACCOUNT: "for the account, which is paused",
    HOST: "for a host that is paused or rests",
    FLOW: "for their flow",
    LANE: "for their lane",
    SLOT: "for a free slot",
}


class Part(NamedTuple):
    """A part of what a card counts, and the page that lists it."""

    text: str
    url: str


class Card(NamedTuple):
    """`look`: how the figure is colored; "" for plain. `course`: the figure of each minute since `first_at`."""

    name: str
    figure: str
    label: str
    url: str
    look: str = ""
    line: Sparkline | None = None
    bars: Sequence[Bar] = ()
    parts: Sequence[Part] = ()
    course: Sequence[str] = ()
    first_at: int = 0


def cards(account_id: int, minutes: list[Minute], now: int) -> list[Card]:
    """`minutes`: those of the last hour, the present one last."""
    cards = [
        _success(minutes, now),
        _lateness(minutes, heartbeats.lateness_within(account_id, now - HOUR, now, 0.99)),
        _attempts(minutes),
        _hosts(account_id, minutes),
        _waiting(account_id, now),
    ]
    return [card._replace(first_at=minutes[0].minute_at) for card in cards]


def _success(minutes: list[Minute], now: int) -> Card:
    done, failed = sum(minute.completed for minute in minutes), sum(minute.failed for minute in minutes)
    rates = [_rate(minute.completed, minute.failed) for minute in minutes]
    rate = _rate(done, failed)
    look = "" if rate is None else GOOD if rate >= HEALTHY else WARN if rate >= SICK else BAD
    lowest = min([0.9, *[each for each in rates if each is not None]])
    url = _stretch(now - HOUR, now + MINUTE)
    line, course = sparklines.line(rates, lowest, 1.0), [_percent(each) for each in rates]
    return Card("success", _percent(rate), "success rate, last hour", url, look, line, course=course)


def _lateness(minutes: list[Minute], p99_us: float | None) -> Card:
    logarithms = sparklines.logarithms([minute.p99_us for minute in minutes])
    high = max([5.0, *[each for each in logarithms if each is not None]])
    look = WARN if p99_us is not None and p99_us > LATE_AFTER_US else ""
    url = url_for("pages.show_timeline", span="1h", height="late")
    line, course = sparklines.line(logarithms, 2.0, high), [us(minute.p99_us) for minute in minutes]
    return Card("lateness", us(p99_us), "p99 lateness, last hour", url, look, line, course=course)


def _attempts(minutes: list[Minute]) -> Card:
    latest = minutes[-2]  # the present one has only begun
    both = [minute.completed + minute.failed for minute in minutes]
    url = _stretch(latest.minute_at, latest.minute_at + MINUTE)
    line = sparklines.line(both[:-1], 0, max([*both, 1]))
    course = [f"{each:,}" for each in both[:-1]]
    label = "attempt a minute" if both[-2] == 1 else "attempts a minute"
    return Card("attempts", f"{both[-2]:,}", label, url, "", line, course=course)


def _hosts(account_id: int, minutes: list[Minute]) -> Card:
    failing = host_figures.failing(account_id)
    bars = sparklines.bars([(minute.failed, minute.failed) for minute in minutes])
    label = "host fails now" if failing == 1 else "hosts fail now"
    url, look = url_for("pages.list_hosts", show="failing"), BAD if failing else ""
    course = [f"{minute.failed:,} failed" for minute in minutes]
    return Card("hosts", f"{failing:,}", label, url, look, None, bars, course=course)


def _waiting(account_id: int, now: int) -> Card:
    counts = waiting_causes.counted(account_id, now)
    both = sum(counts.values())
    figure = f"{LOOKED_AT:,}+" if both >= LOOKED_AT else f"{both:,}"
    parts = [Part(f"{counts[cause]:,} {CAUSE_TEXTS[cause]}", _cause_url(cause)) for cause in CAUSES if cause in counts]
    url = url_for("pages.list_jobs", due="overdue")
    return Card("waiting", figure, "due now and not sent", url, WARN if both >= 100 else "", None, (), parts)


def _cause_url(cause: str) -> str:
    endpoints = {ACCOUNT: "list_hosts", HOST: "list_hosts", FLOW: "list_flows", LANE: "list_lanes"}
    return url_for(f"pages.{endpoints[cause]}") if cause in endpoints else url_for("pages.list_jobs", due="overdue")


def _stretch(first: int, last: int) -> str:
    return url_for("pages.list_jobs", active_after=iso(first), active_before=iso(last))


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{int(rate * 1000) / 10:g}%"


def _rate(completed: int, failed: int) -> float | None:
    return completed / (completed + failed) if completed + failed else None
