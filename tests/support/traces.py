"""Traces in tests: the finished spans, the traceparent of a client, and a secret that no span may show."""

import contextlib

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from runtime import tracing

SECRET = "canary7f3a"
CLIENT_TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@contextlib.contextmanager
def traced():
    """Traces everything inside the block; gives a function that returns the finished spans."""
    exporter = InMemorySpanExporter()
    tracing.install(SimpleSpanProcessor(exporter), "test")
    try:
        yield exporter.get_finished_spans
    finally:
        tracing.stop()
