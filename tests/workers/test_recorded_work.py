"""Compares what workers send, log and measure with the texts in the folder recorded; see tests/support/recorded.py."""

from pathlib import Path

from tests.support.recorded import Recorded
from tests.support.scenes import operator
from tests.support.scenes.history import NORTH, History
from tests.support.scenes.log_lines import logged
from tests.support.scenes.measuring import forget_metrics, shown_metrics
from tests.support.scenes.scene import Scene

RECORDED = Recorded(Path(__file__).with_name("recorded") / "work")
NAMES = ("requests", "log", "metrics", "operator")


def test_what_workers_send_log_and_measure_is_as_recorded(db, moved_clock, monkeypatch):
    scene = Scene(monkeypatch, moved_clock, **NORTH)
    forget_metrics()

    scene.begin_page("requests")
    with logged() as lines:
        history = History(scene)
        history.work()
        history.lose()

    RECORDED.compare("requests", scene.texts()["requests"])
    RECORDED.compare("log", "\n".join(lines) + "\n")
    RECORDED.compare("metrics", shown_metrics())


def test_what_the_operator_gets_is_as_recorded(db, moved_clock, monkeypatch):
    scene = Scene(monkeypatch, moved_clock)

    operator.play(scene)

    RECORDED.compare("operator", scene.texts()["operator"])


def test_each_recorded_text_is_compared_with_something():
    RECORDED.are_exactly(NAMES)
