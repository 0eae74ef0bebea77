"""The span of a request to the API."""

import pytest

from models.jobs.job_tables import Job
from tests.support.api_client import URL
from tests.support.traces import CLIENT_TRACEPARENT, SECRET


def test_a_request_is_a_span_that_names_the_job_it_made(client, spans):
    job = client.created(body={"password": SECRET}, headers={"Cookie": SECRET})
    [span] = [each for each in spans() if each.name == "POST /api/jobs"]

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


def traceparents(client, header):
    """Those of a job, of one in a batch and of one of a schedule that are ordered with this header."""
    headers = {"traceparent": header}
    client.post("/api/jobs", json={"url": URL}, headers=headers)
    client.post("/api/jobs/batch", json={"jobs": [{"url": URL}]}, headers=headers)
    client.post("/api/jobs", json={"url": URL, "repeat_every": 60}, headers=headers)
    return [job.traceparent for job in Job.select().order_by(Job.id)]


def test_the_trace_of_an_order_is_kept_with_its_job(client, spans):
    assert traceparents(client, CLIENT_TRACEPARENT) == [CLIENT_TRACEPARENT, CLIENT_TRACEPARENT, None]


@pytest.mark.parametrize("header", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "x" * 10_000])
def test_what_is_no_trace_is_not_kept(client, spans, header):
    assert traceparents(client, header) == [None, None, None]


def test_where_no_traces_are_made_none_is_kept(client):
    assert traceparents(client, CLIENT_TRACEPARENT) == [None, None, None]
