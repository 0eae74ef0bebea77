"""Writes the API's OpenAPI document as short lines: what a client may send and gets, without names and texts."""


def contract(document):
    """A block of lines for each operation, then one for each response that several operations share."""
    blocks = [
        "\n  ".join([f"{method.upper()} {path}", *_operation(document, operation, operations.get("parameters", []))])
        for path, operations in sorted(document["paths"].items())
        for method, operation in sorted(operations.items())
        if method != "parameters"
    ]
    for name, response in sorted(document["components"]["responses"].items()):
        blocks.append("\n  ".join([name, *_response("any", document, response)]))
    return "\n\n".join(blocks) + "\n"


def dangling_references(document):
    """The references to what the document does not define."""
    return sorted({reference for reference in _references(document) if _defined(document, reference) is None})


def _operation(document, operation, path_parameters):
    yield f"tags {','.join(operation['tags'])}"
    if "security" in operation:
        yield f"security {operation['security']}"
    for parameter in [*path_parameters, *operation.get("parameters", [])]:
        mark = "!" if parameter.get("required") else ""
        yield f"{parameter['in']} {parameter['name']}{mark}: {_form(document, parameter['schema'])}"
    yield from _contents("body", document, operation.get("requestBody", {}))
    for status, response in sorted(operation["responses"].items()):
        yield from _response(status, document, response)


def _response(status, document, response):
    if "$ref" in response:
        yield f"{status} {response['$ref'].rpartition('/')[2]}"
        return
    for header in sorted(response.get("headers", {})):
        yield f"{status} header {header}"
    yield from _contents(status, document, response) if "content" in response else [f"{status} nothing"]


def _contents(label, document, described):
    for content_type, media in described.get("content", {}).items():
        yield f"{label} {content_type}: {_form(document, media['schema'])}"


def _form(document, schema):
    """A schema in brief: `!` must be sent, `?` may be null, `(a|b)` the words there are, `{0..9}` further limits."""
    schema = _resolved(document, schema)
    if schema.get("type") == "array":
        form = f"[{_form(document, schema.get('items', {}))}]"
    elif "properties" in schema:
        form = f"{{{', '.join(_members(document, schema))}}}"
    elif "additionalProperties" in schema and schema["additionalProperties"]:
        form = f"{{*: {_form(document, schema['additionalProperties'])}}}"
    else:
        form = " ".join(word for word in (schema.get("type", "any"), schema.get("format")) if word)
    words = f"({'|'.join(map(str, schema['enum']))})" if "enum" in schema else ""
    limits = "".join(f" {name}={schema[name]}" for name in ("default", "minItems", "maxItems") if name in schema)
    return f"{form}{words}{limits}{'?' if schema.get('nullable') else ''}"


def _members(document, schema):
    for name, member in sorted(schema["properties"].items()):
        yield f"{name}{'!' if name in schema.get('required', ()) else ''}: {_form(document, member)}"


def _resolved(document, schema):
    """The schema with the references at its top replaced by what they name."""
    if "$ref" in schema:
        return _resolved(document, _defined(document, schema["$ref"]))
    merged = {name: value for name, value in schema.items() if name != "allOf"}
    for part in schema.get("allOf", ()):
        merged |= _resolved(document, part)
    return merged


def _defined(document, reference):
    value = document
    for name in reference.removeprefix("#/").split("/"):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    if isinstance(value, list):
        for inner in value:
            yield from _references(inner)
