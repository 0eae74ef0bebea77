"""Serves the status page of an account, for a screen on a wall: without a key, without a script, without a menu."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from flask import Response, make_response, render_template, request

from api.dashboard.blueprint import THEMES, pages
from api.dashboard.errors import page_not_found
from api.responses import schedule_health
from api.responses.schedule_health import INCONCLUSIVE, health
from models.alerts import status_pages
from models.alerts.messages import VERBS
from models.alerts.status_pages import LastIncident, ShownSchedule
from models.rules import clock
from models.schedules import health as schedule_states
from models.schedules import run_results
from models.schedules.firing_rows import FiringRow

FAILING, LATE, RUNNING, ON_TIME = "failing", "late", "running", "on time"
NEW, PAUSED, FINISHED = "new", "paused", "finished"
STATES = (FAILING, LATE, RUNNING, ON_TIME, NEW, PAUSED, FINISHED)
SHOWN = 120  # tiles
ALWAYS = (FAILING, LATE, RUNNING, ON_TIME)  # their counts are shown even if they are 0
LOOKS = {
    FAILING: "discarded",
    LATE: "late",
    RUNNING: "executing",
    ON_TIME: "enabled",
    NEW: "scheduled",
    PAUSED: "cancelled",
    FINISHED: "cancelled",
}
# By the look of a schedule's health, else by its word.
OF_LOOK = {"discarded": FAILING, "late": LATE}
OF_WORD = {
    schedule_health.ON_TIME: ON_TIME,
    schedule_states.DISABLED: PAUSED,
    schedule_states.FINISHED: FINISHED,
    schedule_states.ENABLED: NEW,
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "form-action 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


@pages.get("/status/<token>")
def show_status_wall(token: str) -> Response:
    """404 for an address that is revoked or never was."""
    account_id = status_pages.account_of(token)
    if account_id is None:
        raise page_not_found()
    states, theme = states_of(account_id), request.args.get("theme", "")
    counts = Counter(each.state for each in states)
    incident = status_pages.last_incident(account_id)
    text = render_template(
        "status_wall.html",
        counts=[(name, counts[name], LOOKS[name]) for name in STATES if counts[name] or name in ALWAYS],
        tiles=sorted(states, key=lambda each: STATES.index(each.state))[:SHOWN],
        looks=LOOKS,
        known=len(states),
        total=len(states) if len(states) < status_pages.AT_MOST else status_pages.count(account_id),
        incident=incident,
        incident_words=incident and words_of(incident),
        wall_theme=theme if theme in THEMES else "",
        now=clock.now(),
    )
    return make_response(text, 200, HEADERS)


class ScheduleState(NamedTuple):
    """A schedule on the page. `failures`: how many of its jobs in a row failed."""

    name: str | None
    state: str
    failures: int


def states_of(account_id: int) -> list[ScheduleState]:
    """The account's schedules, those that fail first."""
    schedules = status_pages.shown_schedules(account_id)
    runs = deciding_runs(account_id, schedules)
    return [ScheduleState(each.name, state_of(each, runs.get(each.id, [])), each.failures) for each in schedules]


def deciding_runs(account_id: int, schedules: Sequence[ShownSchedule]) -> dict[str, list[FiringRow]]:
    """The latest run of each, which usually decides: the page is loaded again and again. Of those that it leaves open
    all that decide elsewhere."""
    runs = run_results.latest(account_id, [each.id for each in schedules], 1)
    at_rest = {each.id for each in schedules if not each.is_running}
    left_open = [key for key, (run,) in runs.items() if key in at_rest and run.status in INCONCLUSIVE]
    return runs | run_results.latest(account_id, left_open)


def state_of(schedule: ShownSchedule, runs: Sequence[FiringRow]) -> str:
    """In the words of the page. A job under way hides all but failures and a pause."""
    word, look = health(schedule, runs)
    state = OF_LOOK.get(look) or OF_WORD[word]
    return RUNNING if schedule.is_running and state not in (FAILING, PAUSED) else state


def words_of(incident: LastIncident) -> str:
    """What it is about, without a host, a URL or a key of a flow."""
    now, past = VERBS[incident.type]
    verb = now if incident.closed_at is None else past
    if incident.is_of_host:
        schedules = "1 schedule" if incident.subjects == 1 else f"{incident.subjects:,} schedules"
        return f"A host {'is' if incident.closed_at is None else 'was'} down: {schedules}"
    return f"{incident.name or 'A schedule'} {verb}" if incident.type != "waiting" else f"A flow or host {verb}"
