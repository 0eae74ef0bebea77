"""Bodies of any bytes (`body_base64`): what is sent, what is shown, and how large they may be."""

import base64
import json

import pytest

from api import create_app
from models.jobs.job_tables import Job, LogEntry
from models.schedules.schedule_tables import Schedule
from runtime.settings import SettingsError, load
from tests.support.api_client import FORM, URL, ApiClient, errors_of, one_database
from tests.support.results import answered, result_of
from tests.support.rows import claim_of, reread
from workers.delivery.attempt_records import MAX_BODY_BYTES
from workers.delivery.recorder import record
from workers.delivery.render import render_request

BYTES = b"--b\r\nContent-Disposition: form-data\r\n\r\n\x00\xff\r\n--b--"
IN_BASE64 = base64.b64encode(BYTES).decode()


LARGEST = 16 * 1024 * 1024


def job_of(answer):
    return Job.get_by_id(answer["job_id"])


def sent(job):
    return render_request(claim_of(job))


def test_the_bytes_are_sent_as_they_are(client):
    job = client.created(method="post", body_base64=IN_BASE64)

    request = sent(job_of(job))

    assert request.body == BYTES
    assert request.headers["Content-Type"] == "application/octet-stream"
    assert job["args"] == {"method": "post", "url": URL, "body_base64": IN_BASE64}
    assert client.get(f"/api/jobs/{job['id']}").json["data"]["args"] == job["args"]


def test_a_header_says_what_they_are(client):
    headers = {"content-type": "multipart/form-data; boundary=b"}
    request = sent(job_of(client.created(method="post", body_base64=IN_BASE64, headers=headers)))
    assert [value for name, value in request.headers.items() if name.lower() == "content-type"] == [
        headers["content-type"]
    ]


def test_they_are_stored_once(client):
    job = job_of(client.created(method="post", body_base64=IN_BASE64))
    assert bytes(job.body) == BYTES
    assert IN_BASE64 not in job.args


def test_they_may_come_in_a_form_and_in_a_batch(client):
    escaped = IN_BASE64.replace("+", "%2B").replace("=", "%3D")
    answer = client.post("/api/jobs", data=f"url={URL}&body_base64={escaped}", content_type=FORM)
    batch = client.post("/api/jobs/batch", json={"jobs": [{"url": URL, "body_base64": IN_BASE64}]})
    for job in (answer.json["data"], batch.json["data"][0]):
        assert bytes(job_of(job).body) == BYTES


@pytest.mark.parametrize("text", ["", "AA==", "/+8="])
def test_any_base64_is_shown_as_it_was_sent(client, text):
    assert client.created(method="post", body_base64=text)["args"]["body_base64"] == text


@pytest.mark.parametrize("value", ["AA", "AA=", "A A=", "AA==\n", "_-8=", "AB==", "é", 5, ["AA=="], {"a": 1}])
def test_what_is_no_base64_is_refused_and_not_quoted(client, value):
    [message] = errors_of(client.create(body_base64=value))["body_base64"]
    assert message.startswith("must be base64 of the bytes to send")
    assert repr(value) not in message


def test_a_job_has_one_body(client):
    assert "body_base64" in errors_of(client.create(body={"a": 1}, body_base64="AA=="))
    assert client.created(body=None, body_base64="AA==")["args"]["body_base64"] == "AA=="


def test_a_change_replaces_one_form_of_a_body_by_the_other(client):
    job = client.created(schedule_in=60, body={"a": 1})
    for fields, body in (({"body_base64": IN_BASE64}, BYTES), ({"name": "n"}, BYTES), ({"body": "text"}, b"text")):
        answer = client.ask("PATCH", f"/api/jobs/{job['id']}", json=fields)
        assert answer.status_code == 200, answer.text
        assert bytes(job_of(job).body) == body
    assert set(answer.json["data"]["args"]) == {"url", "schedule_in", "name", "body"}


def test_a_schedule_sends_bytes_as_they_are_and_keeps_them_in_a_change(client):
    job = client.created(repeat_every=60, method="post", body_base64=IN_BASE64)
    answer = client.ask("PATCH", f"/api/schedules/{job['schedule_id']}", json={"name": "n"})
    assert answer.json["data"]["args"]["body_base64"] == IN_BASE64
    assert bytes(Schedule.get().body) == BYTES
    assert {bytes(row.body) for row in Job.select()} == {BYTES}


def request_entry(job):
    record([result_of(claim_of(job), answered())])
    return json.loads(LogEntry.get(LogEntry.event == "worker.http.request").payload)


def test_the_log_has_bytes_as_base64(client):
    payload = request_entry(job_of(client.created(method="post", body_base64=IN_BASE64)))
    assert (payload["body"], payload["encoding"]) == (IN_BASE64, "base64")


@pytest.mark.parametrize(("beyond", "is_left_out"), [(0, False), (1, True)])
def test_the_log_leaves_out_a_body_that_is_longer_than_sixteen_kibibytes(client, beyond, is_left_out):
    """Each attempt wrote it once more."""
    assert MAX_BODY_BYTES == 16 * 1024
    body = "x" * (MAX_BODY_BYTES + beyond)

    payload = request_entry(job_of(client.created(method="post", body=body)))

    left_out = {"body": None, "body_left_out": True}
    assert {name: payload.get(name) for name in left_out} == (
        left_out if is_left_out else {**left_out, "body": body, "body_left_out": None}
    )


def test_an_order_of_a_megabyte_and_a_half_is_taken_alone_and_in_a_batch(client):
    limit = load({}).max_body_bytes
    assert limit == 1_572_864
    job = {"url": URL, "method": "post", "body": "x" * (limit - 100)}

    alone = client.post("/api/jobs", json=job)
    beyond = client.post("/api/jobs", json=job | {"body": "x" * limit})
    batch = client.post("/api/jobs/batch", json={"jobs": [job, job | {"body": "x" * limit}]}).json["data"]

    assert (alone.status_code, beyond.status_code) == (201, 413)
    assert batch[0]["args"]["body"] == job["body"]
    assert batch[1]["error"]["errors"][""][0].startswith(f"must be at most {limit} bytes, got ")


@pytest.fixture
def roomy(client, db):
    """A client of an app with the largest limits for an order, and for a batch of two."""
    chosen = load({"BOOPER_MAX_BODY_BYTES": str(LARGEST), "BOOPER_MAX_BATCH_BYTES": str(3 * LARGEST)})
    return ApiClient(create_app(chosen), client.headers["Authorization"].split()[1])


@one_database
def test_an_order_of_sixteen_mebibytes_is_taken_where_the_operator_allows_it(roomy, client):
    frame = len(json.dumps({"url": URL, "method": "post", "body": ""}))
    largest = {"url": URL, "method": "post", "body": "A" * (LARGEST - frame)}
    beyond = largest | {"body": largest["body"] + "A"}

    alone, refused = (roomy.post("/api/jobs", json=order) for order in (largest, beyond))
    batch = roomy.post("/api/jobs/batch", json={"jobs": [largest, beyond]}).json["data"]

    assert (alone.status_code, refused.status_code) == (201, 413)
    assert batch[1]["error"]["errors"][""][0].startswith(f"must be at most {LARGEST} bytes, got ")
    assert [bytes(job_of(made).body) for made in (alone.json["data"], batch[0])] == [largest["body"].encode()] * 2
    assert client.post("/api/jobs", json=largest).status_code == 413  # not at the default


def test_the_operator_allows_no_more_than_sixteen_mebibytes():
    assert load({"BOOPER_MAX_BODY_BYTES": str(LARGEST)}).max_body_bytes == LARGEST
    with pytest.raises(SettingsError, match="BOOPER_MAX_BODY_BYTES"):
        load({"BOOPER_MAX_BODY_BYTES": str(LARGEST + 1)})


def test_callbacks_show_bytes_as_base64(client):
    job = job_of(client.created(method="post", body_base64=IN_BASE64, callback_url=f"{URL}/done"))
    record([result_of(claim_of(job), answered())])
    callback = Job.get(Job.kind == "callback")
    assert json.loads(bytes(callback.body))["job"]["args"]["body_base64"] == IN_BASE64
    assert reread(job).state == "completed"
