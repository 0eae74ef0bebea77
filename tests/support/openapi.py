"""Writes the API's OpenAPI document as short lines: what a client may send and gets, without names and texts.

It also says what linters would object to, and which answers are not as the document describes them.
"""

from openapi_schema_validator import OAS31Validator
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

LIMITS = ("default", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "maxProperties")
METHODS = {"get", "post", "put", "patch", "delete"}

_VALIDATORS: dict = {}  # by the id of the schema, which stays alive here


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
    yield f"name {operation['operationId']}"
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
    schema, mark = _without_null(resolved(document, schema))
    if schema.get("type") == "array":
        form = f"[{_form(document, schema.get('items', {}))}]"
    elif "anyOf" in schema:
        return f"({' | '.join(_form(document, each) for each in schema['anyOf'])}){mark}"
    elif "properties" in schema:
        form = f"{{{', '.join(_members(document, schema))}}}"
    elif "additionalProperties" in schema and schema["additionalProperties"]:
        form = f"{{*: {_form(document, schema['additionalProperties'])}}}"
    else:
        form = " ".join(
            word for word in (schema.get("type", "any"), schema.get("format", schema.get("contentEncoding"))) if word
        )
    words = f"({'|'.join(map(str, schema['enum']))})" if "enum" in schema else ""
    limits = "".join(f" {name}={schema[name]}" for name in LIMITS if name in schema)
    return f"{form}{words}{limits}{mark}"


def _without_null(schema):
    """The schema as if null were not allowed, and `?` if it is."""
    types, forms = schema.get("type"), schema.get("anyOf", [])
    if isinstance(types, list) and "null" in types:
        [kind] = set(types) - {"null"}
        return {**schema, "type": kind}, "?"
    if {"type": "null"} in forms:
        return {**schema, "anyOf": [form for form in forms if form != {"type": "null"}]}, "?"
    return schema, ""


def _members(document, schema):
    for name, member in sorted(schema["properties"].items()):
        yield f"{name}{'!' if name in schema.get('required', ()) else ''}: {_form(document, member)}"


def resolved(document, schema):
    """The schema with the references at its top replaced by what they name."""
    if "$ref" in schema:
        return resolved(document, _defined(document, schema["$ref"]))
    merged = {name: value for name, value in schema.items() if name != "allOf"}
    for part in schema.get("allOf", ()):
        merged |= resolved(document, part)
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


def objections(document):
    """What spectral's and redocly's recommended rules object to, as far as it concerns this document."""
    yield from (f"info has no {name}" for name in ("description", "contact", "license") if not document["info"][name])
    if not document["servers"]:
        yield "there is no server"
    operations = [
        (f"{method} {path}", operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]
    names = [operation["operationId"] for _, operation in operations]
    for place, operation in operations:
        yield from (f"{place}: {text}" for text in _objections_to_operation(operation, names))
    for schema in _schemas(document):
        yield from _objections_to_schema(schema)
    used = {reference.rpartition("/")[2] for reference in _references(document)}
    yield from (f"unused: {name}" for name in {*_components(document)} - used)


def _objections_to_operation(operation, names):
    if names.count(operation["operationId"]) != 1:
        yield "no name of its own"
    yield from (f"no {name}" for name in ("tags", "summary", "description") if not operation.get(name))
    kinds = {status[0] for status in operation["responses"]}
    yield from (f"no response {kind}xx" for kind in {"2", "4"} - kinds)


def _objections_to_schema(schema):
    if schema.get("type") == "array" and "items" not in schema:
        yield f"an array without items: {schema}"
    if "nullable" in schema:
        yield f"null as OpenAPI 3.0 has it: {schema}"


def _components(document):
    return [name for kind in ("schemas", "responses") for name in document["components"][kind]]


def differences_from(document, app, method, path, answer):
    """How a response differs from what the document says of its operation; nothing where it says nothing."""
    operation = _operation_of(document, app, method, path)
    if operation is None:
        return []
    responses = operation["responses"]
    described = responses.get(str(answer.status_code), responses["default"] if answer.status_code >= 400 else None)
    if described is None:
        return [f"{method} {path} answers {answer.status_code}, which the document does not know"]
    schema = resolved(document, described).get("content", {}).get(answer.mimetype, {}).get("schema", {})
    return [error.message for error in _validator_of(document, schema).iter_errors(answer.json)] if schema else []


def _validator_of(document, schema):
    """The validator of a schema of the document, made once: that costs more than to validate by it."""
    if id(schema) not in _VALIDATORS:
        _VALIDATORS[id(schema)] = schema, OAS31Validator({**schema, "components": document["components"]})
    return _VALIDATORS[id(schema)][1]


def _operation_of(document, app, method, path):
    try:
        rule, _ = app.url_map.bind("localhost").match(path.partition("?")[0], method=method, return_rule=True)
    except (HTTPException, RequestRedirect):
        return None
    path = rule.rule.replace("<", "{").replace(">", "}")
    return document.get("paths", {}).get(path, {}).get(method.lower())


def _schemas(value):
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _schemas(inner)
    if isinstance(value, list):
        for inner in value:
            yield from _schemas(inner)
