"""What each action on jobs changes in the database and returns, from a state that is rich in differences."""

from pathlib import Path

import pytest

from models.operations import cancelling
from models.rules import clock
from tests.support.recorded import Recorded
from tests.support.rich.names import ACCOUNT, JOB
from tests.support.rich.scenario import scenario_on

RECORDED = Recorded(Path(__file__).with_name("recorded") / "jobs")
ALICE = ACCOUNT["alice"]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def scenario(request):
    with scenario_on(request.param, request) as scenario:
        yield scenario


CANCELS = {
    f"cancel {name}": lambda name=name: cancelling.cancel(ALICE, JOB[name], clock.now())
    for name in ("ready", "rich", "running", "acking", "done", "bob-ready")
}
TEXTS = {"cancel": CANCELS}


@pytest.mark.parametrize("name", TEXTS)
def test_jobs_change_as_recorded(scenario, name):
    RECORDED.compare(name, scenario.text_of(TEXTS[name]))


def test_each_text_is_of_some_actions():
    RECORDED.are_exactly(TEXTS)
