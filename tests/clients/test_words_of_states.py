"""The word by which a command tells the state of a thing, for each thing that has one."""

from datetime import UTC, datetime

import pytest

from booper_client.cli import schedule_views
from booper_client.cli.commands import alerts_command, endpoints_command, flows_command, incidents_command
from booper_client.models.account import Endpoint
from booper_client.models.alerts import Alert, Incident
from booper_client.models.flow_control import Flow, Pause
from booper_client.models.schedules import Health, Schedule

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAUSE = Pause(raw={}, at=NOW)
BAD = Health(raw={}, state="failing", failures_in_a_row=3)


def flow(**fields):
    always = {"key": "a", "pinned": False, "under_way": 0, "waiting": 0, "inserted_at": NOW}
    return flows_command._cells(Flow(raw={}, **always, **fields))[1]


def incident(**fields):
    texts = dict.fromkeys(("id", "alert", "type", "title", "detail", "subject"), "a")
    return incidents_command._cells(Incident(raw={}, **texts, subjects=1, flapping=False, opened_at=NOW, **fields))[0]


def schedule(**fields):
    always = {"id": "a", "user_id": "a", "inserted_at": NOW, "frequency": {}, "args": {}}
    return schedule_views.cells(Schedule(raw={}, **always, **fields))[1]


def alert(**fields):
    always = {"id": "a", "name": "a", "on": [], "scope": {}, "to": [], "after": 1, "inserted_at": NOW}
    return alerts_command._cells(Alert(raw={}, **always, **fields))[1]


def endpoint(**fields):
    return endpoints_command._cells(Endpoint(raw={}, id="a", url="a", inserted_at=NOW, **fields))[1]


@pytest.mark.parametrize(
    ("state_of", "fields", "word"),
    [
        (flow, {}, "open"),
        (flow, {"closed_until": NOW}, "resting"),
        (flow, {"paused": PAUSE}, "paused"),
        (flow, {"paused": PAUSE, "closed_until": NOW}, "paused"),
        (incident, {}, "open"),
        (incident, {"acknowledged_at": NOW}, "acknowledged"),
        (incident, {"closed_at": NOW}, "closed"),
        (incident, {"acknowledged_at": NOW, "closed_at": NOW}, "closed"),
        (schedule, {}, "enabled"),
        (schedule, {"disabled_at": NOW}, "disabled"),
        (schedule, {"health": BAD}, "failing"),
        (alert, {"enabled": True}, "enabled"),
        (alert, {"enabled": False}, "disabled"),
        (endpoint, {"enabled": True}, "enabled"),
        (endpoint, {"enabled": False}, "disabled"),
    ],
)
def test_a_state_has_its_word(state_of, fields, word):
    assert state_of(**fields) == word
