"""What the OpenAPI document says of a text is the rule by which the server reads it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from api.requests import job_filters, job_values, text_forms
from api.requests.ids import read_job_key
from api.requests.options.group import GROUP_FORM, read_group
from api.routes.signing_keys import SECRET_FORM, read_secret
from models.rules import request_rules, times

REFUSED = (ValueError, ValidationError, LookupError)


def header_name(text):
    if not request_rules.is_token(text):
        raise ValueError


def header_value(text):
    if request_rules.value_error("X-A", text):
        raise ValueError


FORMS = {
    "duration": (text_forms.DURATION_TEXT, times.parse_duration),
    "instant": (text_forms.INSTANT_TEXT, times.parse_instant),
    "instant in a query": (text_forms.INSTANT_IN_QUERY, job_filters.read_instant),
    "job": (text_forms.JOB_KEY_FORM, read_job_key),
    "base64": (text_forms.BASE64_FORM, job_values.read_base64),
    "label": (job_values.LABEL_FORM, job_values.read_label),
    "key": (job_values.KEY_FORM, job_values.read_key),
    "group": (GROUP_FORM, read_group),
    "secret": (SECRET_FORM, read_secret),
    "header name": (text_forms.HEADER_NAME_FORM, header_name),
    "header value": (text_forms.HEADER_VALUE_FORM, header_value),
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
def test_a_text_that_the_document_allows_is_taken(name):
    form, read = FORMS[name]

    @settings(derandomize=True, database=None, deadline=None)
    @given(st.from_regex(re.compile(form["pattern"]), fullmatch=True).filter(lambda text: is_allowed(form, text)))
    def take(text):
        assert is_taken(read, text) or re.match(r"\d{4}-\d\d-(29|30|31)", text)  # no pattern knows the calendar

    take()


@pytest.mark.parametrize("name", FORMS)
def test_a_text_that_the_document_does_not_allow_is_refused(name):
    form, read = FORMS[name]

    strange = [text for text in NEAR_MISSES if not is_allowed(form, text)]

    assert strange != []
    assert [text for text in strange if is_taken(read, text)] == []
