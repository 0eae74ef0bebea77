"""Whatever stands in the place of an id in the address of a page: it names nothing, and is no fault of the server."""

import pytest

from tests.support.hostile_addresses import HOSTILE, addresses


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_that_names_nothing_is_no_fault_of_a_page(app, alice, text):
    requests = [each for each in addresses(app, text, "/") if not each[1].startswith("/api/")]

    statuses = {
        (method, route): alice.get(address).status_code if method == "GET" else alice.send(address).status_code
        for method, route, address in requests
    }

    assert len(statuses) > 20
    assert {place: status for place, status in statuses.items() if status >= 500} == {}
