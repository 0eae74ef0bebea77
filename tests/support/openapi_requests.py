"""Makes requests from the OpenAPI document: what it allows, and what it does not."""

import json
import re
from datetime import date
from typing import NamedTuple
from urllib.parse import quote, urlencode

from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator

from tests.support.openapi import resolved

UNKNOWN = ["01a20c2e-2507-7dde-b9d3-bca08fdc05b8", "999999999", "nothing-of-this-name"]
PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=20)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3),
    max_leaves=6,
)
FORMATS = {
    "date": st.dates().map(str),
    "uuid": st.uuids().map(str),
    "uri": st.sampled_from(["https://example.com/hook?a=1", "https://example.com:8443/x"]),
    "hostname": st.sampled_from(["example.com", "api.example.com"]),
}


class Request(NamedTuple):
    """A request. `body`: None for none."""

    method: str
    address: str
    body: object = None

    def __repr__(self):
        return f"{self.method} {self.address} {json.dumps(self.body)}"


def values(schema, document):
    """Values that a schema allows."""
    schema = resolved(document, schema)
    if "anyOf" in schema:
        return st.one_of([values(each, document) for each in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema.get("type")
    if kinds is None:
        return ANY_JSON
    if isinstance(kinds, list):
        return st.one_of([values({**schema, "type": kind}, document) for kind in kinds])
    return KINDS[kinds](schema, document)


def _object(schema, document):
    members = {name: values(each, document) for name, each in schema.get("properties", {}).items()}
    required = {name: members[name] for name in schema.get("required", ()) if name in members}
    optional = {name: each for name, each in members.items() if name not in required}
    least, most = schema.get("minProperties", 0), schema.get("maxProperties")
    others = schema.get("additionalProperties", True)
    if not members:
        return st.dictionaries(
            _names(schema),
            values(others, document) if isinstance(others, dict) else ANY_JSON,
            min_size=least,
            max_size=3,
        )
    chosen = (
        st.sets(st.sampled_from(sorted(optional)), min_size=least, max_size=min(most or 4, 4)) if optional else None
    )
    if chosen is None:
        return st.fixed_dictionaries(required)
    return chosen.flatmap(lambda names: st.fixed_dictionaries(required | {name: optional[name] for name in names}))


def _names(schema):
    pattern = schema.get("propertyNames", {}).get("pattern")
    return st.from_regex(re.compile(pattern), fullmatch=True).filter(lambda name: len(name) < 40) if pattern else NAMES


NAMES = st.from_regex(re.compile(r"[A-Za-z][A-Za-z0-9-]{0,9}", re.ASCII), fullmatch=True)


def _array(schema, document):
    least, most = schema.get("minItems", 0), min(schema.get("maxItems", 3), schema.get("minItems", 0) + 3)
    if "prefixItems" in schema:
        return st.tuples(*(values(each, document) for each in schema["prefixItems"])).map(list)
    unique = json.dumps if schema.get("uniqueItems") else None
    return st.lists(values(schema.get("items", {}), document), min_size=least, max_size=most, unique_by=unique)


def _string(schema, document):  # noqa: ARG001 - as the others
    if "pattern" in schema:
        texts = st.from_regex(re.compile(schema["pattern"]), fullmatch=True)
        least, most = schema.get("minLength", 0), schema.get("maxLength", 100)
        return texts.filter(lambda text: least <= len(text) <= most and _is_a_day(text[:10]))
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    if "example" in schema:
        return st.just(schema["example"])  # a text of which the schema says only that: the rule is in words
    least, most = schema.get("minLength", 0), min(schema.get("maxLength", 20), 300)
    return st.text(st.characters(codec="utf-8"), min_size=least, max_size=most)


def _is_a_day(text):
    """False for the 30th of February: how many days a month has no pattern says."""
    try:
        return not re.fullmatch(r"\d{4}-\d\d-\d\d", text) or bool(date.fromisoformat(text))
    except ValueError:
        return False


def _number(schema, document):  # noqa: ARG001 - as the others
    low, high = schema.get("minimum", -1e9), schema.get("maximum", 1e12)
    floats = st.floats(low, high, exclude_min="exclusiveMinimum" in schema, allow_nan=False)
    if "exclusiveMinimum" in schema:
        return st.floats(schema["exclusiveMinimum"], high, exclude_min=True)
    return floats | st.integers(int(low), int(high)) if high - low > 1 else floats


def _integer(schema, document):  # noqa: ARG001 - as the others
    return st.integers(schema.get("minimum", -(2**63)), schema.get("maximum", 2**63 - 1))


KINDS = {
    "object": _object,
    "array": _array,
    "string": _string,
    "number": _number,
    "integer": _integer,
    "boolean": lambda *_: st.booleans(),
    "null": lambda *_: st.none(),
}


def broken(value):
    """A value of which something is of another kind, missing, or too much."""
    if not isinstance(value, dict):
        return ANY_JSON
    changes = [ANY_JSON, st.tuples(NAMES, ANY_JSON).map(lambda pair: {**value, pair[0]: pair[1]})]
    if value:
        names = st.sampled_from(sorted(value))
        changes.append(names.map(lambda name: {key: each for key, each in value.items() if key != name}))
        changes.append(st.tuples(names, ANY_JSON).map(lambda pair: {**value, pair[0]: pair[1]}))
    return st.one_of(changes)


def requests(document, path, method, known, is_broken):
    """Requests of an operation. `known`: what may stand in the path in the place of each parameter."""
    item = document["paths"][path]
    operation = item[method]
    media = operation.get("requestBody", {}).get("content", {}).get("application/json")
    bodies = _bodies(media["schema"], document) if media else st.none()
    if media and is_broken:
        bodies = bodies.flatmap(broken)
    names = [each["name"] for each in item.get("parameters", []) if each.get("in") == "path"]
    places = st.fixed_dictionaries({name: st.sampled_from([*known(path, name), *UNKNOWN]) for name in names})
    return st.builds(
        lambda place, query, body: Request(method.upper(), _address(path, place, query), body),
        places,
        _queries(document, operation, is_broken),
        bodies,
    )


def _bodies(schema, document):
    """What the schema allows, also by the rules that join several members."""
    validator = OAS31Validator({**schema, "components": document["components"]})
    return values(schema, document).filter(validator.is_valid)


def _queries(document, operation, is_broken):
    fields = {
        each["name"]: (PLAIN if is_broken else values(each["schema"], document))
        for each in operation.get("parameters", [])
        if each.get("in") == "query"
    }
    if not fields:
        return st.just({})
    names = st.sets(st.sampled_from(sorted(fields)), max_size=3)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: fields[name] for name in chosen}))


def _address(path, places, query):
    for name, text in places.items():
        path = path.replace(f"{{{name}}}", quote(str(text), safe=""))
    texts = {name: json.dumps(each) if isinstance(each, bool) else each for name, each in query.items()}
    return f"{path}?{urlencode(texts, errors='surrogatepass')}" if texts else path
