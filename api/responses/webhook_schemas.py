"""Describes for OpenAPI what Booper sends by itself: callbacks and events (docs/webhooks.md)."""

from typing import Any

from models.webhooks import event_types

Document = dict[str, Any]

JOB = {"$ref": "#/components/schemas/Job"}
INSTANT = {"type": "string", "example": "2023-09-01T18:26:19.712345Z"}
OR_NULL = {"type": "null"}
COUNT = {"type": "integer", "minimum": 0, "example": 1}
MILLISECONDS = {"type": ["number", "null"], "example": 4.1}
ERROR = {"type": ["string", "null"], "example": "status_503", "description": "Null for a completed job."}
DURATIONS = ("lateness_ms", "dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "total_ms")
SIGNED = (
    (
        "webhook-id",
        "The UUID of the callback or event, the same in each attempt.",
        {"type": "string", "format": "uuid"},
    ),
    (
        "webhook-timestamp",
        "When this attempt began, in seconds since 1970.",
        {"type": "string", "example": "1700000000"},
    ),
    ("webhook-signature", "One signature for each live signing key.", {"type": "string", "example": "v1,K5oZfz…"}),
)


def an_object(required: dict[str, Any], **optional: Any) -> Document:
    return {"type": "object", "properties": required | optional, "required": sorted(required)}


RESPONSE = an_object(
    {
        "status": {"type": "integer", "example": 200},
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "body": {"type": "string", "example": "fine"},
        "encoding": {"type": "string", "enum": ["text", "base64"]},
        "truncated": {"type": "boolean", "example": False},
        "unreadable": {"type": "boolean", "example": False},
    }
)
TIMINGS = an_object({"started_at": INSTANT, "finished_at": INSTANT} | dict.fromkeys(DURATIONS, MILLISECONDS))
NEXT_AT = {"next_at": {"anyOf": [INSTANT, OR_NULL]}}
ANY_RESPONSE = {"$ref": "#/components/schemas/TargetResponse"}
SCHEMAS = {
    "TargetResponse": RESPONSE,
    "Callback": an_object(
        {
            "job": JOB,
            "attempts": COUNT,
            "response": {"anyOf": [ANY_RESPONSE, OR_NULL]},
            "error": ERROR,
            "timings": {"anyOf": [TIMINGS, OR_NULL]},
        },
        **NEXT_AT,
    ),
}
DATA: dict[str, Document] = {  # of each type of event
    event_types.STARTED: {"job": JOB},
    event_types.REQUESTED: {"job": JOB, "attempt": COUNT},
    event_types.ANSWERED: {"job": JOB, "attempt": COUNT, "response": ANY_RESPONSE, **NEXT_AT},
    event_types.FAILED: {"job": JOB, "attempt": COUNT, "error": ERROR, **NEXT_AT},
    event_types.FINISHED: {"job": JOB, "attempts": COUNT, "error": ERROR},
    event_types.CANCELLED: {"job": JOB, "attempts": COUNT, "error": ERROR},
    **dict.fromkeys(
        event_types.HOST_EVENT_TYPES,
        {
            "host": {"type": "string", "example": "shop.example.com"},
            "failures": COUNT,
            "next_probe_at": {"anyOf": [INSTANT, OR_NULL]},
            "job_id": {"type": "integer", "example": 29180},
        },
    ),
}
ABOUT = {
    event_types.STARTED: "The first attempt of a job begins",
    event_types.REQUESTED: "An attempt begins",
    event_types.ANSWERED: "A response came",
    event_types.FAILED: "No response came",
    event_types.FINISHED: "A job is completed or discarded",
    event_types.CANCELLED: "A job is cancelled",
    event_types.HOST_FAILING: "A host failed so often in a row that only probes go out",
    event_types.HOST_RECOVERED: "A host succeeded again",
}


def webhooks() -> Document:
    """What goes to a `callback_url`, and each event of a `webhook_url` or an endpoint."""
    events = {kind: _webhook(kind, ABOUT[kind], _event(kind)) for kind in event_types.EVENT_TYPES}
    return {
        "callback": _webhook("callback", "The result of a job", {"$ref": "#/components/schemas/Callback"}),
        **events,
    }


def _event(kind: str) -> Document:
    identity = {"type": "string", "format": "uuid", "description": "The same in each attempt to deliver it."}
    return an_object(
        {"id": identity, "type": {"type": "string", "const": kind}, "timestamp": INSTANT, "data": an_object(DATA[kind])}
    )


def _webhook(name: str, summary: str, schema: Document) -> Document:
    headers = [
        {"name": name, "in": "header", "description": f"{about} Only with a signing key.", "schema": form}
        for name, about, form in SIGNED
    ]
    operation = {
        "operationId": f"receive_{name.replace('.', '_')}",
        "tags": ["webhooks"],
        "summary": summary,
        "description": f"{summary}. Answer 2xx to accept it; anything else is tried again.",
        "security": [],
        "parameters": headers,
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {
            "2XX": {"description": "Accepted."},
            "410": {"description": "Never send it again."},
        },
    }
    return {"post": operation}
