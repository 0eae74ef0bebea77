"""Makes traces if the operator wants them: spans of requests to the API, of publishes and of attempts.

Without `BOOPER_OTEL_ENDPOINT` every function here only reads a variable, and OpenTelemetry is not imported. The
attribute `booper.job_id` joins the spans of a job, and each attempt is linked to the trace in which its job was
ordered. Spans carry no header, body, path or query string.
"""

import contextlib
import copy
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TypeVar

from runtime.settings import Settings, SettingsError
from runtime.version import __version__


class TracedJob(Protocol):
    """What a span needs of a job."""

    @property
    def id(self) -> int: ...
    @property
    def host(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def traceparent(self) -> str | None: ...


Request = TypeVar("Request", bound=Any)

EXPORT_LIMIT_S = 5
FLUSH_LIMIT_MS = 2_000
TRACEPARENT = "traceparent"
TRACEPARENT_CHARS = 55  # a later version of the form may have more behind them
_tracer: Any = None
_provider: Any = None


def configure(settings: Settings, process: str) -> None:
    """Begin to send spans to the collector of the settings, if there is one. `process`: api, worker, ticker or serve.
    Call it after the last fork, since a thread sends the spans."""
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
    """Give every span to this OpenTelemetry processor from now on."""
    global _tracer, _provider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    attributes = {"service.name": f"booper-{process}", "service.version": __version__}
    _provider = TracerProvider(resource=Resource.create(attributes))
    _provider.add_span_processor(processor)
    _tracer = _provider.get_tracer("booper", __version__)


def stop() -> None:
    """Send the remaining spans, for at most FLUSH_LIMIT_MS, and make no more."""
    global _tracer, _provider
    if _provider is not None:
        _provider.force_flush(FLUSH_LIMIT_MS)
        _provider.shutdown()
    _tracer = _provider = None


def begin_request(traceparent: str) -> Any:
    """A span for a request to the API, or None. The client's trace, if there is one, is linked and not continued, since
    a stranger made it."""
    if _tracer is None:
        return None
    from opentelemetry.trace import SpanKind

    return _tracer.start_span("request", kind=SpanKind.SERVER, links=_links_to(traceparent))


def kept(traceparent: str) -> str | None:
    """The traceparent to keep with a job: that of a valid trace, if traces are made."""
    return traceparent.strip()[:TRACEPARENT_CHARS] if _tracer is not None and _links_to(traceparent) else None


def _links_to(traceparent: str) -> list[Any]:
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = TraceContextTextMapPropagator().extract({TRACEPARENT: traceparent})
    span = trace.get_current_span(context).get_span_context()
    return [trace.Link(span)] if span.is_valid else []


def end_request(span: Any, log_fields: Mapping[str, Any]) -> None:
    """End the span of a request. `log_fields`: those of its log line."""
    if span is None:
        return
    span.update_name(f"{log_fields['method']} {log_fields['route']}")
    span.set_attributes(
        {
            "http.request.method": log_fields["method"],
            "http.route": log_fields["route"],
            "http.response.status_code": log_fields["status"],
            "booper.request_id": log_fields["request_id"],
        }
    )
    if log_fields.get("job_id") is not None:
        span.set_attribute("booper.job_id", log_fields["job_id"])
    span.end()


@contextlib.contextmanager
def publishing(message: str, job_ids: list[int]) -> Iterator[None]:
    """A span around the publishing of a message that names these jobs."""
    if _tracer is None:
        yield
        return
    from opentelemetry.trace import SpanKind

    attributes = {"messaging.operation.name": "publish", "booper.job_ids": job_ids}
    with _tracer.start_as_current_span(f"publish {message}", kind=SpanKind.PRODUCER, attributes=attributes):
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
    links = _links_to(job.traceparent) if job.traceparent else []
    span = _tracer.start_span(f"attempt {request.method}", kind=SpanKind.CLIENT, attributes=attributes, links=links)
    if TRACEPARENT not in {name.lower() for name in request.headers}:
        request = copy.copy(request)
        request.headers = dict(request.headers)
        TraceContextTextMapPropagator().inject(request.headers, set_span_in_context(span))
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
