"""What the OpenAPI document says of a text is the rule by which the server reads it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from api.app import RESOURCES
from api.requests import text_forms
from api.requests.fields import Must, plain_form
from api.requests.reading.strict_schema import Strict
from models.rules import request_rules, times

NOT_IN_A_PATTERN = re.compile(r"\d{4}-\d\d-(29|30|31)|(?!19[7-9]|2)\d{4}-")  # the calendar; before 1970 or after 3000
REFUSED = (ValueError, ValidationError, LookupError)
ANY = plain_form(1)["pattern"]  # that a text has no NUL is tested where texts are stored


def header_name(text):
    if not request_rules.is_token(text):
        raise ValueError


def header_value(text):
    if request_rules.value_error("X-A", text):
        raise ValueError


def request_schemas(base=Strict):
    for schema in base.__subclasses__():
        yield schema
        yield from request_schemas(schema)


def forms_of_fields():
    """Each text form that a field of a request has, with what reads it, by the first of these fields."""
    assert RESOURCES  # whose modules make the schemas
    first = {}
    for schema in request_schemas():
        if not schema.__module__.startswith("api."):
            continue
        for name, field in schema._declared_fields.items():
            form = field.metadata
            if isinstance(field, Must) and form.get("type") == "string" and form.get("pattern", ANY) != ANY:
                place = (form["pattern"], form.get("minLength"), form.get("maxLength"), field._read)
                first.setdefault(place, (f"{schema.__name__}.{name}", form))
    return {name: (form, read) for (*_, read), (name, form) in first.items()}


FORMS = {
    "duration": (text_forms.DURATION_TEXT, times.parse_duration),
    "instant": (text_forms.INSTANT_TEXT, times.parse_instant),
    "header name": (text_forms.HEADER_NAME_FORM, header_name),
    "header value": (text_forms.HEADER_VALUE_FORM, header_value),
    **forms_of_fields(),
}
EDITS = {
    "its first character alone": lambda text: text[:1],
    "its half": lambda text: text[: len(text) // 2],
    "nothing at its end": lambda text: text[:-1],
    "nothing at its beginning": lambda text: text[1:],
    "a digit": lambda text: f"{text}0",
    "a letter": lambda text: f"{text}x",
    "a space": lambda text: f"{text} ",
    "a line break": lambda text: f"{text}\n",
    "a comma": lambda text: f"{text},",
    "itself": lambda text: text * 2,
}
NEAR_MISSES = [
    "",
    " ",
    "1h30",
    "90 s",
    "2026-1-31T09:00:00Z",
    "2026-01-31",
    "a\nb",
    "a\u202eb",
    "a b",
    "whsec_YQ==",
    "YQ=",
    "ä",
    "x\n",
]


def is_allowed(form, text):
    limits = form.get("minLength", 0) <= len(text) <= form.get("maxLength", 10**9)
    return limits and bool(re.fullmatch(form["pattern"], text))


def is_taken(read, text):
    try:
        read(text)
    except REFUSED:
        return False
    return True


@pytest.mark.parametrize("name", FORMS)
def test_a_text_that_the_document_allows_is_taken_and_what_it_nearly_allows_is_refused(name):
    """Both of one text: to make it takes longer than to read it and what its edits leave of it."""
    form, read = FORMS[name]

    @settings(derandomize=True, database=None, deadline=None)
    @given(st.from_regex(re.compile(form["pattern"]), fullmatch=True).filter(lambda text: is_allowed(form, text)))
    def read_it_and_its_edits(text):
        assert is_taken(read, text) or NOT_IN_A_PATTERN.match(text)
        edited = [edit(text) for edit in EDITS.values()]
        wrong = [text for text in edited if not is_allowed(form, text) and is_taken(read, text)]
        assert wrong == []

    read_it_and_its_edits()


@pytest.mark.parametrize("name", FORMS)
def test_a_text_that_the_document_does_not_allow_is_refused(name):
    form, read = FORMS[name]

    strange = [text for text in NEAR_MISSES if not is_allowed(form, text)]

    assert strange != []
    assert [text for text in strange if is_taken(read, text)] == []
