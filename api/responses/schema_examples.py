"""Makes an example of each body in the OpenAPI document, from its schema: always valid, and never out of date."""

from typing import Any

Document = dict[str, Any]

URL = "https://example.com/hook"
MAX_DEPTH = 8
WHOLE = {  # of component schemas whose fields are all optional, or that need more than each field by itself
    "JobFields": {"method": "post", "url": URL, "body": {"hello": "world"}, "schedule_in": [30, "seconds"]},
    "ScheduleFields": {"method": "post", "url": URL, "cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"},
    "ScheduleChange": {"cron": "30 8 * * 1-5"},
    "JobChange": {"schedule_in": [5, "minutes"]},
    "RetryFields": {"max_attempts": 3},
    "CancelFields": {"filter": {"label": "customer:42"}},
    "BulkFields": {"filter": {"state": "discarded", "replayed": False}},
    "DeleteFields": {"filter": {"state": "completed"}, "limit": 1000},
    "FlowLimits": {"rate": 10, "per": "1m", "concurrency": 3},
    "FlowChange": {"concurrency": 5},
    "LaneChange": {"on_failure": "stop"},
    "PauseFields": {"reason": "maintenance"},
    "EndpointChange": {"enabled": False},
    "NewEndpoint": {"url": "https://example.com/events", "types": ["job.finished"]},
    "Retirement": {"after": [1, "day"]},
    "AckFields": {"success": True, "body": {"rows": 7}},
    "AnswerFields": {"status": 200, "headers": [["Content-Type", "text/plain"]], "body_base64": "b2s="},
    "GroupFields": {"targets": [{"name": "eu", "url": "https://eu.example/hook"}]},
    "NewKey": {},
}
NAMED = {  # of members, where any text would be true and none would say anything
    "url": URL,
    "name": "daily-report",
    "host": "example.com",
    "key": "shop-42",
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "message": "Pong",
    "author": "Ada",
    "content": "Hello",
    "channel": "demo",
    "description": "At 09:00 every weekday (Europe/Berlin)",
    "text": "Its time has not come.",
    "reason": "status_503",
    "args": {"method": "post", "url": URL},
    "headers": {"Content-Type": "application/json"},
    "filter": {"state": "discarded"},
    "frequency": {"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"},
    "payload": {"url": URL},
    "errors": {"url": ["must be an https URL, got nothing"]},
}
BY_FORMAT = {
    "uuid": "41d7f28b-dfbe-44b8-b716-b91898bb0ce0",
    "date": "2026-12-24",
    "date-time": "2026-01-31T09:00:00Z",
}


def sample(document: Document, schema: Document, name: str = "", depth: int = 0) -> Any:
    """A value that the schema allows. `name`: of the member that it is for."""
    if "$ref" in schema:
        component = schema["$ref"].rpartition("/")[2]
        return WHOLE.get(component) or sample(document, document["components"]["schemas"][component], name, depth)
    if "example" in schema:
        return schema["example"]
    if "const" in schema or "enum" in schema:
        return schema.get("const") or schema["enum"][0]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return sample(document, schema[several][0], name, depth)
    return _by_type(document, schema, name, depth)


def _by_type(document: Document, schema: Document, name: str, depth: int) -> Any:
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object" and "properties" in schema and depth < MAX_DEPTH:
        members = list(schema["properties"].items())[: schema.get("maxProperties")]
        return {each: sample(document, inner, each, depth + 1) for each, inner in members if "x-expand" not in inner}
    if kind == "array":
        return [sample(document, schema["items"], name, depth + 1)]
    if name in NAMED and isinstance(NAMED[name], dict if kind == "object" else str) and kind in ("object", "string"):
        return NAMED[name]
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    by_kind = {"boolean": True, "object": {}, "string": BY_FORMAT.get(schema.get("format", ""), "text")}
    return by_kind.get(str(kind))


def add_examples(document: Document, operation: Document) -> None:
    """Give each JSON body of an operation an example."""
    for part in (operation.get("requestBody", {}), *operation["responses"].values()):
        media = part.get("content", {}).get("application/json")
        if media and media.get("schema") and not {"example", "examples"} & media.keys():
            media["example"] = sample(document, media["schema"])
