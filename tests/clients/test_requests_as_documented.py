"""Each method of the client asks as the API's document says, and sends each of its parameters."""

import inspect
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import pytest

from booper_client import Client
from booper_client.models.listeners import LocalAnswer
from tests.support.documented import assert_documented, document, names_of, operation_of

HERE = {  # what a method keeps to itself, with the reason
    "every_seconds": "a pause between two requests",
    "request": "an object whose id is in the path",
    "all": "a mark beside an empty filter",
}
NOT_SENT = {  # what no method takes, with the reason
    "limit": "a list goes through all pages",
    "offset": "the same",
    "cursor": "the same",
    "callback": "another name of callback_url",
    "webhook": "another name of webhook_url",
}
WITHOUT_METHOD = {  # operations that the client has not
    *("echo", "broadcast", "post_to_channel", "list_demo_messages"),  # targets for trying things out
    *("acknowledge", "describe_badge"),  # asked by a token, without a key
    *("delete_job", "change_flow", "delete_signing_key"),  # cancel, put and retire do it
}


class Sent(Exception):
    """In place of an answer: the request."""


class Call(NamedTuple):
    """A method of the client, and its parameters with their types. `fields`: those that it takes by name."""

    name: str
    method: Any
    parameters: dict[str, Any]
    fields: dict[str, Any]


def calls():
    client = Client("http://127.0.0.1:9", "sk_x")
    client._sender._transport = SimpleNamespace(send=note)
    holders = {"": client} | {name: each for name, each in vars(client).items() if hasattr(each, "_sender")}
    for holder, value in holders.items():
        for name, method in inspect.getmembers(value, inspect.ismethod):
            if not name.startswith("_") and (holder, name) != ("", "close"):
                yield call_of(f"{holder}.{name}".lstrip("."), method)


def note(request):
    raise Sent(request)


def call_of(name, method):
    hints = get_type_hints(method)
    hints.pop("return", None)
    fields = {}
    for each in inspect.signature(method).parameters.values():
        if each.kind is inspect.Parameter.VAR_KEYWORD:
            fields = {} if hints[each.name] is Any else get_type_hints(get_args(hints[each.name])[0])
            del hints[each.name]
    return Call(name, method, hints, fields)


CALLS = list(calls())


def request_of(call, **values):
    required = inspect.signature(call.method).parameters
    arguments = {
        name: example(name, hint)
        for name, hint in call.parameters.items()
        if required[name].default is inspect.Parameter.empty
    }
    with pytest.raises(Sent) as sent:
        list(call.method(**{**arguments, **values}))  # the first row of a list asks for the first page
    return sent.value.args[0]


def example(name, hint, other=False):
    """A value of the type; `other`: another one."""
    if name in ("answer", "request"):
        answer = LocalAnswer(error="refused") if other else LocalAnswer(status=200)
        return answer if name == "answer" else SimpleNamespace(id="r-1")
    kind = form_of(hint)
    if get_origin(kind) is Literal:
        return get_args(kind)[-1 if other else 0]
    examples = {
        bool: (True, False),
        int: (7, 8),
        float: (7.5, 7.25),
        datetime: (datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 1, 2, tzinfo=UTC)),
        str: ("a", "b"),
    }
    return examples.get(kind, ([{"k": "a"}], [{"k": "b"}]))[int(other)]


def form_of(hint):
    """The first of the types that a value may have; a choice of words before others."""
    if get_origin(hint) is Literal:
        return hint
    kinds = [each for each in get_args(hint) if each is not type(None)] or [hint]
    return next((each for each in kinds if get_origin(each) is Literal), kinds[0])


def examples_of(name, hint):
    """Two values, or each word of a choice."""
    kind = form_of(hint)
    return get_args(kind) if get_origin(kind) is Literal else [example(name, hint, other) for other in (False, True)]


@cache
def sent_names():
    """By the name of each operation that a method asks for: the parameters and members that some call sends."""
    names = {}
    for call in CALLS:
        taken = {**call.parameters, **call.fields}
        changes = [{name: value} for name, hint in taken.items() for value in examples_of(name, hint)]
        for request in [request_of(call), *(request_of(call, **change) for change in changes)]:
            sent = names.setdefault(operation_of(request)["operationId"], set())
            sent |= {*request.query(), *request.headers(), *(request.body or ())}
            sent |= {f"filter.{name}" for name in (request.body or {}).get("filter", ())}
    return names


def documented_operations():
    return [
        pytest.param(operation, id=operation["operationId"])
        for operations in document()["paths"].values()
        for method, operation in operations.items()
        if method != "parameters"
    ]


@pytest.mark.parametrize("operation", documented_operations())
def test_the_client_has_each_operation_with_each_parameter_of_the_document(operation):
    """`group`, `calendars` and `target` were missing, and nobody noticed."""
    name = operation["operationId"]
    assert (name in sent_names()) != (name in WITHOUT_METHOD)
    assert names_of(operation) - sent_names().get(name, names_of(operation)) - set(NOT_SENT) == set()


def everything_of(request):
    return request.method, request.path, request.query(), request.content(), request.headers()


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_a_method_asks_for_what_the_document_has(call):
    assert_documented(request_of(call))


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_another_value_of_a_parameter_makes_another_request(call):
    for name, hint in call.parameters.items():
        if name not in HERE:
            first, second = (request_of(call, **{name: example(name, hint, other)}) for other in (False, True))
            assert everything_of(first) != everything_of(second), name
            assert_documented(first)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_a_field_is_sent_under_its_name_as_it_was_passed(call):
    for name, hint in call.fields.items():
        value = example(name, hint)
        request = request_of(call, **{name: value})
        held = request.parameters if request.method == "GET" else request.body.get("filter") or request.body
        assert held[name] == value
        assert_documented(request)
