"""Compares what the API answers with the texts in the folder recorded; see tests/support/recorded.py."""

from pathlib import Path

import pytest

from tests.support.recorded import Recorded
from tests.support.scenes import alerts, explained, gates, orders, outgoing, production, schedules, small, worked
from tests.support.scenes.history import NORTH
from tests.support.scenes.log_lines import logged, rare
from tests.support.scenes.scene import Scene

RECORDED = Recorded(Path(__file__).with_name("recorded"))
SCENARIOS = {  # by the pages that each writes
    ("orders",): orders.play,
    ("worked", "log", "many"): worked.play,
    ("reasons",): worked.play_reasons,
    ("schedules", "runs"): schedules.play,
    ("gates",): gates.play,
    ("outgoing", "listeners"): outgoing.play,
    ("small",): small.play,
    ("explained",): explained.play,
    ("production",): production.play,
    ("alerts", "messages", "incidents", "status_page", "alert_metrics"): alerts.play,
}


@pytest.mark.parametrize("pages", SCENARIOS)
def test_answers_are_as_recorded(pages, db, moved_clock, monkeypatch):
    environ = production.PRODUCTION if pages == ("production",) else NORTH
    scene = Scene(monkeypatch, moved_clock, **environ)

    with logged() as lines:
        SCENARIOS[pages](scene)

    assert tuple(scene.texts()) == pages
    RECORDED.compare_all(scene.texts() | {f"log_lines/{pages[0]}": rare(lines)})


def test_each_recorded_text_is_that_of_a_scenario():
    names = {name for pages in SCENARIOS for name in pages}
    RECORDED.are_exactly(names | {f"log_lines/{pages[0]}" for pages in SCENARIOS})
