"""The states as SQL: partial indexes are used only by conditions that spell the states as the indexes do."""

import pytest

from models.jobs import states
from tests.support.documents import ROOT

MIGRATIONS = "".join(path.read_text() for path in (ROOT / "models/database/migrations").glob("0*.py"))


@pytest.mark.parametrize(
    "condition", [states.WAITING_SQL, states.LIVE_SQL, states.in_states(("scheduled", "retryable"))]
)
def test_a_condition_is_spelled_as_the_indexes_spell_it(condition):
    assert condition in MIGRATIONS


def test_the_guards_and_assignments_are_those_of_the_table():
    assert states.LEAVES["cancel"] == "state IN ('available', 'scheduled', 'retryable', 'executing')"
    assert (states.LEAVES["complete"], states.ENTERS["complete"]) == ("state = 'executing'", "state = 'completed'")
    assert set(states.TRANSITIONS) - set(states.ENTERS) == {"stage", "change", "hasten", "prune"}
