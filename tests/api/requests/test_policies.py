"""What a request for a job says about failure, secrecy and loops, as the job's row stores it."""

import json

import pytest

from models.jobs.job_tables import Job
from models.rules.clock import SECOND

TARGET = "https://example.com/hook"


def post_job_with(client, **fields):
    return client.post("/api/jobs", json={"url": TARGET, **fields})


def refused(answer):
    assert answer.status_code == 422
    return answer.json["error"]["errors"]


@pytest.mark.parametrize(
    "backoff",
    [
        {"fixed": 5},
        {"fixed": 0.5, "jitter": "full"},
        {"exponential": {"base": 1, "factor": 2, "cap": 60}},
        [1, 5, 30],
        {"delays": [1, 5], "jitter": "full"},
    ],
)
def test_a_backoff_is_kept_as_it_was_sent(client, backoff):
    answer = post_job_with(client, backoff=backoff)
    assert answer.status_code == 201
    assert json.loads(Job.get().backoff) == backoff
    assert answer.json["data"]["args"]["backoff"] == backoff


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ({"fixed": "90s"}, {"fixed": 90}),
        (["500ms", "1h30m", 7], [0.5, 5400, 7]),
        ({"delays": ["1d"], "jitter": "full"}, {"delays": [86_400], "jitter": "full"}),
        (
            {"exponential": {"base": "1s", "factor": 2, "cap": "1h"}},
            {"exponential": {"base": 1, "factor": 2, "cap": 3600}},
        ),
    ],
)
def test_a_delay_may_be_a_text(client, written, kept):
    """Every other duration could be written so."""
    answer = post_job_with(client, backoff=written)

    assert json.loads(Job.get().backoff) == kept
    assert answer.json["data"]["args"]["backoff"] == written


@pytest.mark.parametrize(("timeout", "kept_ms"), [("90s", 90_000), ("1h30m", 5_400_000), ("1500ms", 1500), (2.5, 2500)])
def test_a_timeout_may_be_a_text(client, timeout, kept_ms):
    answer = post_job_with(client, timeout=timeout)

    assert Job.get().timeout_ms == kept_ms
    assert answer.json["data"]["args"]["timeout"] == timeout


@pytest.mark.parametrize("timeout", ["90", "3h", "999ms", "s", "", [5, "minutes"], True])
def test_a_timeout_that_is_none_is_refused(client, timeout):
    assert list(refused(post_job_with(client, timeout=timeout))) == ["timeout"]


def test_the_engines_backoff_is_the_default(client):
    post_job_with(client, backoff="engine")
    assert Job.get().backoff is None


@pytest.mark.parametrize(
    ("backoff", "path"),
    [
        ("fast", "backoff"),
        (5, "backoff"),
        ({}, "backoff"),
        ({"fixed": 1, "delays": [1]}, "backoff"),
        ({"linear": 1}, "backoff"),
        ({"fixed": 1, "jitter": "some"}, "backoff"),
        ({"fixed": -1}, "backoff.fixed"),
        ({"fixed": "5"}, "backoff.fixed"),
        ({"fixed": True}, "backoff.fixed"),
        ({"fixed": "367d"}, "backoff.fixed"),
        (["1s", "1x"], "backoff.1"),
        ({"exponential": {"base": 1, "factor": "2s", "cap": 2}}, "backoff.exponential.factor"),
        ({"fixed": 1e12}, "backoff.fixed"),
        ([], "backoff"),
        ([1, -1], "backoff.1"),
        ([1] * 101, "backoff"),
        ({"delays": 5}, "backoff.delays"),
        ({"exponential": {"base": 1}}, "backoff.exponential"),
        ({"exponential": {"base": 1, "factor": 0.5, "cap": 2}}, "backoff.exponential.factor"),
        ({"exponential": {"base": 1, "factor": 2, "cap": "x"}}, "backoff.exponential.cap"),
    ],
)
def test_a_backoff_that_is_none_is_refused_where_it_is_wrong(client, backoff, path):
    [(where, [message])] = refused(post_job_with(client, backoff=backoff)).items()
    assert where.strip(".") == path
    assert message.startswith("must be ")
    assert "got " in message


@pytest.mark.parametrize(
    ("fields", "stored"),
    [
        (
            {"success": {"status": ["2XX", 409, "409"], "body": "ok"}},
            {"success": {"status": ["2xx", "409"], "body": "ok"}},
        ),
        ({"success": {"status": [999]}}, {"success": {"status": ["999"]}}),
        ({"success": {"body": "größer"}}, {"success": {"body": "größer"}}),
        ({"stop_on": ["4xx", 503]}, {"stop_on": ["4xx", "503"]}),
        ({"success": {"body": "x"}, "stop_on": [200]}, {"success": {"body": "x"}, "stop_on": ["200"]}),
    ],
)
def test_what_counts_as_success_and_as_the_end_is_kept(client, fields, stored):
    answer = post_job_with(client, **fields)

    assert answer.status_code == 201
    assert json.loads(Job.get().judging) == stored
    assert {name: answer.json["data"]["args"][name] for name in fields} == fields


@pytest.mark.parametrize("fields", [{}, {"success": None, "stop_on": None}])
def test_a_job_that_says_nothing_of_it_keeps_nothing(client, fields):
    post_job_with(client, **fields)
    assert Job.get().judging is None


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"success": {}}, "success"),
        ({"success": "2xx"}, "success"),
        ({"success": {"statuses": [200]}}, "success.statuses"),
        ({"success": {"status": None}}, "success.status"),
        ({"success": {"status": []}}, "success.status"),
        ({"success": {"status": [200, 199]}}, "success.status.1"),
        ({"success": {"status": ["1xx"]}}, "success.status.0"),
        ({"success": {"status": [True]}}, "success.status.0"),
        ({"success": {"status": [200.5]}}, "success.status.0"),
        ({"success": {"status": [["2xx"]]}}, "success.status.0"),
        ({"success": {"status": [200] * 51}}, "success.status"),
        ({"success": {"body": ""}}, "success.body"),
        ({"success": {"body": "x" * 1001}}, "success.body"),
        ({"success": {"body": ["ok"]}}, "success.body"),
        ({"stop_on": "4xx"}, "stop_on"),
        ({"stop_on": []}, "stop_on"),
        ({"stop_on": ["44x"]}, "stop_on.0"),
        ({"stop_on": ["4xx", 10**9]}, "stop_on.1"),
    ],
)
def test_what_is_no_status_is_refused_where_it_is_wrong(client, fields, path):
    [(where, [message])] = refused(post_job_with(client, **fields)).items()
    assert where.strip(".") == path
    assert message == "unknown field" or (message.startswith("must be ") and "got " in message)


def test_the_greatest_age_counts_from_the_instant_the_job_is_due(client):
    post_job_with(client, schedule_in=10, max_age=[1, "minute"])
    assert Job.get().retry_until == Job.get().scheduled_at + 60 * SECOND


@pytest.mark.parametrize("max_age", [1e13, 1e300, [1e15, "weeks"], -1, "x", [367, "days"]])
def test_an_age_beyond_the_horizon_is_refused(client, max_age):
    assert "max_age" in refused(post_job_with(client, max_age=max_age))


def test_a_header_that_only_answers_bear_may_be_hidden(client):
    assert post_job_with(client, redact=["Webhook-Signature", "host"]).status_code == 201


def test_what_is_to_be_hidden_is_kept_in_lower_case(client):
    post_job_with(client, redact=["X-Plan", "body", "x-plan"])
    assert json.loads(Job.get().redact) == ["body", "x-plan"]


@pytest.mark.parametrize("redact", ["body", [1], ["a b"], [""], ["x"] * 51])
def test_a_list_of_what_to_hide_must_name_headers(client, redact):
    assert "redact" in refused(post_job_with(client, redact=redact))


def test_the_targets_host_is_kept_in_its_canonical_form(client):
    client.post("/api/jobs", json={"url": "https://BÜCHER.example:8443/x"})
    assert Job.get().host == "xn--bcher-kva.example"


def test_a_request_that_came_through_jobs_passes_their_number_on(client):
    client.post("/api/jobs", json={"url": TARGET}, headers={"Booper-Hop": "4"})
    assert Job.get().hops == 4


@pytest.mark.parametrize("hop", ["5", "6", "9999", "-1", "x", "²"])
def test_a_request_that_came_through_five_jobs_is_a_loop(client, hop):
    answer = client.post("/api/jobs", json={"url": TARGET}, headers={"Booper-Hop": hop.encode().decode("latin-1")})
    assert "Booper-Hop" in refused(answer)
    assert Job.select().count() == 0
