"""Gives an installation that is well, and a watch over it."""

import pytest

from tests.support.installations import Installation, connected


@pytest.fixture
def installation(db, moved_clock, monkeypatch):
    monkeypatch.setattr("models.operations.operator_alerts.troubles.LITTLE_ROOM", 0)
    monkeypatch.setattr("workers.operator_watch.watch.connection", connected)
    return Installation(moved_clock)


@pytest.fixture
def watch(installation):
    """A watch over an installation that is well."""
    watch = installation.watch()
    assert installation.go_on(120, watch) == []
    return watch
