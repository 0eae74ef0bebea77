"""Owns the traces: spans of requests to the API, of publishes and of attempts, for an operator who asked for them.

Without `BOOPER_OTEL_ENDPOINT` every call here is one look at a variable, and nothing of OpenTelemetry is imported. What
belongs together is found by the attribute `booper.job_id`. Spans carry no header, body, path or query string.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from runtime.settings import Settings, SettingsError
from runtime.version import __version__


class TracedJob(Protocol):
    """What a span tells of a job."""

    @property
    def id(self) -> int: ...
    @property
    def host(self) -> str: ...
    @property
    def attempt(self) -> int: ...


Request = TypeVar("Request", bound=Any)

EXPORT_LIMIT_S = 5
FLUSH_LIMIT_MS = 2_000
TRACEPARENT = "traceparent"
_tracer: Any = None
_provider: Any = None


def configure(settings: Settings, process: str) -> None:
    """Begin to send spans to the collector of the settings, if there is one. `process`: api, worker, ticker or serve.
    Called after the last fork: a thread sends them."""
    if not settings.otel_endpoint:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SettingsError(f"BOOPER_OTEL_ENDPOINT needs the packages of requirements-otel.lock, got {error}") from None
    exporter = OTLPSpanExporter(f"{settings.otel_endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_LIMIT_S)
    install(BatchSpanProcessor(exporter), process)


def install(processor: Any, process: str) -> None:
    """Hand every span to an OpenTelemetry processor from now on."""
    global _tracer, _provider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    named = {"service.name": f"booper-{process}", "service.version": __version__}
    _provider = TracerProvider(resource=Resource.create(named))
    _provider.add_span_processor(processor)
    _tracer = _provider.get_tracer("booper", __version__)


def stop() -> None:
    """Send what is left, for a moment, and make no more."""
    global _tracer, _provider
    if _provider is not None:
        _provider.force_flush(FLUSH_LIMIT_MS)
        _provider.shutdown()
    _tracer = _provider = None


def begin_request(traceparent: str) -> Any:
    """A span for a request to the API, or None. The trace it comes from, if there is one, is linked and not joined: it
    is a stranger's."""
    if _tracer is None:
        return None
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    given = TraceContextTextMapPropagator().extract({TRACEPARENT: traceparent})
    from_there = trace.get_current_span(given).get_span_context()
    links = [trace.Link(from_there)] if from_there.is_valid else []
    return _tracer.start_span("request", kind=trace.SpanKind.SERVER, links=links)


def end_request(span: Any, told: Mapping[str, Any]) -> None:
    """`told`: the fields of the request's log line."""
    if span is None:
        return
    span.update_name(f"{told['method']} {told['route']}")
    span.set_attributes(
        {
            "http.request.method": told["method"],
            "http.route": told["route"],
            "http.response.status_code": told["status"],
            "booper.request_id": told["request_id"],
        }
    )
    if told.get("job_id") is not None:
        span.set_attribute("booper.job_id", told["job_id"])
    span.end()


@contextlib.contextmanager
def publishing(message: str, job_ids: list[int]) -> Iterator[None]:
    """A span around the publishing of a message that names these jobs."""
    if _tracer is None:
        yield
        return
    from opentelemetry.trace import SpanKind

    told = {"messaging.operation.name": "publish", "booper.job_ids": job_ids}
    with _tracer.start_as_current_span(f"publish {message}", kind=SpanKind.PRODUCER, attributes=told):
        yield


def begin_attempt(job: TracedJob, request: Request) -> tuple[Request, Any]:
    """The request to send, and a span for its attempt or None. The span's `traceparent` goes out with it unless the job
    has its own."""
    return (request, None) if _tracer is None else _begin_attempt(job, request)


def _begin_attempt(job: TracedJob, request: Request) -> tuple[Request, Any]:
    from opentelemetry.trace import SpanKind, set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    attributes = {
        "http.request.method": request.method,
        "server.address": job.host,
        "booper.job_id": job.id,
        "booper.attempt": job.attempt,
    }
    span = _tracer.start_span(f"attempt {request.method}", kind=SpanKind.CLIENT, attributes=attributes)
    if TRACEPARENT not in {name.lower() for name in request.headers}:
        headers = dict(request.headers)
        TraceContextTextMapPropagator().inject(headers, set_span_in_context(span))
        request = replace(request, headers=headers)
    return request, span


def end_attempt(span: Any, outcome: object) -> None:
    if span is None:
        return
    from opentelemetry.trace import StatusCode

    span.set_attribute("booper.outcome", type(outcome).__name__.lower())
    status = getattr(outcome, "status_code", None)
    if status is not None:
        span.set_attribute("http.response.status_code", status)
    if status is None or status >= 400:
        span.set_status(StatusCode.ERROR, getattr(outcome, "reason", None))
    span.end()
