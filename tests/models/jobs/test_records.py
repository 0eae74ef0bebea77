"""The payload of a log entry as JSON text."""

import json

import pytest

from models.jobs import records
from models.jobs.records import Written


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**70), 1.5, 0])
def test_every_number_of_a_client_keeps_its_digits(number):
    payload = json.loads(records.log_row(1, 1, None, "worker.http.request", {"query": {"n": number}}, 1).payload)
    assert payload["query"]["n"] == number


@pytest.mark.parametrize("beside", [1, 2**70])
def test_a_part_that_is_json_already_is_not_written_anew(beside):
    parts = {"body": Written(b'{"n": 18446744073709551616123}'), "beside": beside}
    payload = records.log_row(1, 1, None, "worker.http.request", parts, 1).payload
    assert json.loads(payload) == {"body": {"n": 18446744073709551616123}, "beside": beside}
