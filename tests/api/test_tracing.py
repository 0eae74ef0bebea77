"""The span of a request to the API."""

import pytest

from tests.support.traces import CLIENT_TRACEPARENT, SECRET


def test_a_request_is_a_span_that_names_the_job_it_made(client, spans):
    job = client.created(body={"password": SECRET}, headers={"Cookie": SECRET})
    [span] = spans()

    assert span.name == "POST /api/jobs"

    attributes = dict(span.attributes)
    assert attributes.pop("booper.request_id")
    assert attributes == {
        "http.request.method": "POST",
        "http.route": "/api/jobs",
        "http.response.status_code": 201,
        "booper.job_id": job["job_id"],
    }
    assert SECRET not in span.to_json()


def test_a_clients_trace_is_linked_and_not_joined(client, spans):
    client.get(f"/api/jobs/{SECRET}?{SECRET}", headers={"traceparent": CLIENT_TRACEPARENT})
    [span] = spans()
    [link] = span.links
    assert f"{link.context.trace_id:032x}" == CLIENT_TRACEPARENT[3:35]
    assert span.parent is None
    assert f"{span.context.trace_id:032x}" != CLIENT_TRACEPARENT[3:35]
    assert SECRET not in span.to_json()


@pytest.mark.parametrize("traceparent", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "\xe9" * 10])
def test_a_traceparent_of_another_form_makes_no_link(client, spans, traceparent):
    assert client.get("/api/jobs", headers={"traceparent": traceparent}).status_code == 200
    assert spans()[0].links == ()
