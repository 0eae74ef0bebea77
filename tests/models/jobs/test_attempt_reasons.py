"""The words for the reasons of failed attempts."""

import re

import pytest

from models.jobs.attempt_reasons import WORDS, in_words
from tests.support.documents import ROOT
from workers.transport import causes

DOCUMENTED = (ROOT / "docs/webhooks.md").read_text().partition("- `error` is")[2].partition("- `timings`")[0]


def test_every_reason_that_the_documents_name_has_words():
    codes = set(re.findall(r"`([a-z_]+)`", DOCUMENTED)) - {"cancelled"}
    assert len(codes) > 20
    assert codes - set(WORDS) == set()


def test_every_cause_of_the_transport_has_words():
    constants = {value for name, value in vars(causes).items() if name.isupper() and isinstance(value, str)}
    codes = {*constants, *causes._CONNECTING.values(), *causes._CERTIFICATES.values()}
    assert len(codes) > 8
    assert codes - set(WORDS) == set()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_of_a_redirect_it_is_said_that_none_is_followed(status):
    text = in_words(f"status_{status}")
    assert text.startswith(f"answered {status} ")
    assert "; the target redirects, and no redirect is followed" in text
    assert text.endswith(f" (status_{status})")


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("worker_lost", "its worker fell silent (worker_lost)"),
        ("status_503", "answered 503 Service Unavailable (status_503)"),
        ("status_599", "answered 599 (status_599)"),
        ("new", "new"),
    ],
)
def test_words_come_first_and_their_code_beside_them(reason, text):
    assert in_words(reason) == text
