"""Owns the rich state that recorded tests begin from."""

import pytest

from tests.support.rich.scenario import scenario_on


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def scenario(request):
    """The rich state, put into each kind of database once a module."""
    with scenario_on(request.param, request) as scenario:
        yield scenario
