"""Traces: what a span says, that the request carries its trace on, and that nothing is done without an endpoint."""

import subprocess
import sys

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from models.jobs.job_ref import JobRef
from models.rules import clock
from runtime import settings, tracing
from runtime.version import __version__
from tests.support.results import answered
from tests.support.rows import claim_job
from tests.support.traces import CLIENT_TRACEPARENT, SECRET
from workers.delivery.render import render_request
from workers.queue.actors import Actors
from workers.queue.broker import make_broker
from workers.transport.outcome import Refused


@pytest.fixture
def claim(account):
    args = f'{{"method": "post", "url": "http://a.example/{SECRET}?{SECRET}", "headers": {{"Cookie": "{SECRET}"}}}}'
    return claim_job(account, args=args, host="a.example")


def send_traced(claim, outcome, **headers):
    """The request that goes out, when this outcome comes back."""
    request = render_request(claim)
    request.headers.update(headers)
    sent, span = tracing.begin_attempt(claim, request)
    tracing.end_attempt(span, outcome)
    return sent


def test_an_attempt_is_a_span_that_its_request_carries_on(claim, spans):
    sent = send_traced(claim, answered(200))
    [span] = spans()

    trace_id, span_id = f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"
    assert sent.headers["traceparent"].startswith(f"00-{trace_id}-{span_id}-")
    assert (span.name, span.kind, span.status.status_code) == ("attempt POST", SpanKind.CLIENT, StatusCode.UNSET)
    assert dict(span.attributes) == {
        "http.request.method": "POST",
        "server.address": "a.example",
        "booper.job_id": claim.id,
        "booper.attempt": 1,
        "booper.outcome": "answered",
        "http.response.status_code": 200,
    }


@pytest.mark.parametrize("outcome", [answered(503), Refused("blocked_address", f"{SECRET} is private")])
def test_a_failed_attempt_is_a_failed_span_without_detail(claim, spans, outcome):
    send_traced(claim, outcome)
    [span] = spans()
    assert span.status.status_code is StatusCode.ERROR
    assert SECRET not in span.to_json()


def test_a_traceparent_of_the_job_is_left_as_it_is(claim, spans):
    sent = send_traced(claim, answered(200), Traceparent=CLIENT_TRACEPARENT)
    assert sent.headers["Traceparent"] == CLIENT_TRACEPARENT
    assert "traceparent" not in sent.headers
    assert len(spans()) == 1


def test_the_request_that_the_job_was_rendered_as_stays_as_it_was(claim, spans):
    request = render_request(claim)
    before = dict(request.headers)

    sent, span = tracing.begin_attempt(claim, request)

    assert (request.headers, sent.headers.keys() - before.keys()) == (before, {"traceparent"})
    tracing.end_attempt(span, answered(200))


def linked(spans):
    return [f"{link.context.trace_id:032x}" for link in spans()[-1].links]


def test_an_attempt_is_linked_to_the_trace_in_which_its_job_was_ordered(account, spans):
    args = '{"url": "http://a.example/"}'
    claim = claim_job(account, args=args, host="a.example", traceparent=CLIENT_TRACEPARENT)

    sent = send_traced(claim, answered(200))

    assert linked(spans) == [CLIENT_TRACEPARENT[3:35]]
    assert CLIENT_TRACEPARENT[3:35] not in sent.headers["traceparent"]


def test_an_attempt_of_a_job_without_a_trace_has_no_link(claim, spans):
    send_traced(claim, answered(200))
    assert linked(spans) == []


def test_a_message_that_is_published_is_a_span_that_names_its_jobs(spans):
    broker = make_broker(settings.load({}))
    actors = Actors(broker, "booper.deliver", lambda *_: None, lambda _: None)
    actors.send_deliver([JobRef(7, 1, "a.example"), JobRef(8, 1, "a.example")], clock.now(), clock.now())
    [span] = spans()
    assert (span.name, span.kind) == ("publish deliver", SpanKind.PRODUCER)
    assert span.attributes["booper.job_ids"] == (7, 8)


def test_a_message_the_broker_does_not_take_is_a_failed_span(spans):
    with pytest.raises(OSError, match="gone"), tracing.publishing("deliver", [1]):
        raise OSError("gone")
    assert spans()[0].status.status_code is StatusCode.ERROR


def test_without_an_endpoint_nothing_is_made_and_nothing_imported():
    """In its own process, which does everything that could make spans."""
    program = (
        "import sys\n"
        "from runtime import settings, tracing\n"
        "effective = settings.load({})\n"
        "tracing.configure(effective, 'serve')\n"
        "from api import create_app\n"
        "from workers.embedded import Embedded\n"
        "assert create_app(effective).test_client().get('/healthz', headers={'traceparent': 'x'}).status_code == 200\n"
        "with tracing.publishing('deliver', []): pass\n"
        "assert tracing.begin_attempt(None, 'request') == ('request', None)\n"
        "tracing.end_attempt(None, 'outcome')\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize("value", ["collector:4318", "grpc://collector", "http://a b"])
def test_an_endpoint_that_is_no_url_stops_the_start(value):
    with pytest.raises(settings.SettingsError, match="BOOPER_OTEL_ENDPOINT must be the http or https URL"):
        settings.load({"BOOPER_OTEL_ENDPOINT": value})


def test_without_the_packages_the_start_says_which_are_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(settings.SettingsError, match="needs the packages of requirements-otel.lock"):
        tracing.configure(settings.load({"BOOPER_OTEL_ENDPOINT": "http://127.0.0.1:4318"}), "serve")


@pytest.mark.parametrize(
    ("status", "code"), [(200, StatusCode.UNSET), (399, StatusCode.UNSET), (400, StatusCode.ERROR)]
)
def test_an_answer_that_refuses_fails_its_span(claim, spans, status, code):
    send_traced(claim, answered(status))
    assert spans()[0].status.status_code is code


REQUEST = {"method": "POST", "route": "/api/jobs", "status": 201, "request_id": "r1", "job_id": 7}


def test_a_request_is_a_span_linked_to_the_clients_trace_but_not_part_of_it(spans):
    tracing.end_request(tracing.begin_request(CLIENT_TRACEPARENT), REQUEST)

    [span] = spans()
    [link] = span.links
    trace_id, span_id = CLIENT_TRACEPARENT.split("-")[1:3]
    assert (f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") == (trace_id, span_id)
    assert span.parent is None
    assert f"{span.context.trace_id:032x}" != trace_id
    assert (span.name, span.kind) == ("POST /api/jobs", SpanKind.SERVER)
    assert dict(span.attributes) == {
        "http.request.method": "POST",
        "http.route": "/api/jobs",
        "http.response.status_code": 201,
        "booper.request_id": "r1",
        "booper.job_id": 7,
    }


@pytest.mark.parametrize("traceparent", ["", "nonsense", f"00-{'0' * 32}-b7ad6b7169203331-01"])
def test_a_request_without_a_trace_is_linked_to_none_and_without_a_job_names_none(spans, traceparent):
    tracing.end_request(tracing.begin_request(traceparent), REQUEST | {"job_id": None})
    [span] = spans()
    assert span.links == ()
    assert "booper.job_id" not in span.attributes


def test_spans_name_the_process_and_its_version(spans):
    tracing.end_request(tracing.begin_request(""), REQUEST)
    resource = spans()[0].resource.attributes
    assert (resource["service.name"], resource["service.version"]) == ("booper-test", __version__)


def test_after_the_stop_there_are_no_more_spans(spans):
    tracing.stop()
    assert tracing.begin_request(CLIENT_TRACEPARENT) is None
    tracing.stop()


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4318", "http://127.0.0.1:4318/"])
def test_spans_are_sent_to_the_path_of_the_protocol_below_the_endpoint(endpoint, monkeypatch):
    installed = []
    monkeypatch.setattr(tracing, "install", lambda *arguments: installed.append(arguments))
    tracing.configure(settings.load({"BOOPER_OTEL_ENDPOINT": endpoint}), "api")
    [(processor, process)] = installed
    assert process == "api"
    assert processor.span_exporter._endpoint == "http://127.0.0.1:4318/v1/traces"
    processor.shutdown()
