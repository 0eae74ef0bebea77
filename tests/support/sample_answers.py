"""Makes an answer from the OpenAPI document: every member that a schema has, each text with the member's name."""

from tests.support.openapi import resolved

ROWS = 25
TEXTS = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "uuid": "01a20c2e-2507-7dde-b9d3-bca08fdc05b8",
    "uri": "https://example.com/sample",
}


def sample(document, schema, name="data"):
    """A value of the schema."""
    schema = resolved(document, schema)
    if "example" in schema:
        return schema["example"]
    if "anyOf" in schema:
        return sample(document, schema["anyOf"][0], name)
    if "enum" in schema or "const" in schema:
        return _final(schema.get("enum", [schema.get("const")]))
    kinds = schema.get("type", "object")
    kind = kinds[0] if isinstance(kinds, list) else kinds
    if kind == "object":
        return {each: sample(document, inner, each) for each, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [sample(document, schema.get("items", {"type": "string"}), name)]
    if kind == "string":
        return TEXTS.get("date-time" if name == "instants" else schema.get("format"), f"the {name}")
    return {"integer": 3, "number": 2.5, "boolean": True}.get(kind)


def _final(values):
    """A job that has ended, so that nobody waits for its end."""
    return "completed" if "completed" in values else values[0]


def answer_to(document, operation):
    """The status and the document of a success; a list has some rows."""
    status, response = next(each for each in sorted(operation["responses"].items()) if each[0].startswith("2"))
    media = resolved(document, response).get("content", {}).get("application/json", {})
    answer = sample(document, media.get("schema", {}))
    if isinstance(answer, dict) and isinstance(answer.get("data"), list):
        answer["data"] *= ROWS
    return int(status), answer
