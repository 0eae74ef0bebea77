"""Whatever stands in the place of an id or a name in an address: it names nothing, and is no fault of the server."""

import pytest

from tests.support.hostile_addresses import HOSTILE, addresses


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_that_names_nothing_is_no_fault_of_the_api(client, text):
    requests = list(addresses(client.app, text, "/api/"))

    statuses = {(method, route): client.ask(method, address).status_code for method, route, address in requests}

    assert len(statuses) > 50
    assert {place: status for place, status in statuses.items() if status >= 500} == {}
