"""The capability by which a target acknowledges one attempt."""

import re

import pytest

from models.accounts.ack_tokens import Attempted, attempted_by, token_of

SECRET = "a secret"
ATTEMPTED = Attempted(2**62, 2**62 - 1)


def test_a_token_names_its_attempt_and_may_stand_in_a_url():
    token = token_of(ATTEMPTED, SECRET)
    assert re.fullmatch("[A-Za-z0-9_-]{64}", token)
    assert attempted_by(token, SECRET) == ATTEMPTED


def test_a_token_of_another_job_another_claim_or_another_secret_is_another():
    tokens = {
        token_of(ATTEMPTED, SECRET),
        token_of(ATTEMPTED._replace(job_id=1), SECRET),
        token_of(ATTEMPTED._replace(claim_id=1), SECRET),
        token_of(ATTEMPTED, "another"),
    }
    assert len({token[-40:] for token in tokens}) == 4
    assert attempted_by(token_of(ATTEMPTED, "another"), SECRET) is None


@pytest.mark.parametrize("place", range(0, 64, 7))
def test_a_token_with_one_character_changed_is_none(place):
    token = token_of(ATTEMPTED, SECRET)
    other = "B" if token[place] == "A" else "A"
    assert attempted_by(token[:place] + other + token[place + 1 :], SECRET) is None


@pytest.mark.parametrize(
    "text", ["", "x", "A" * 64, "A" * 63, "A" * 65, "é" * 64, "\x00" * 64, "A" * 100_000, "====", " "]
)
def test_another_text_is_none(text):
    assert attempted_by(text, SECRET) is None


def test_the_mac_of_one_attempt_does_not_fit_another():
    first, second = token_of(ATTEMPTED, SECRET), token_of(Attempted(7, 8), SECRET)
    assert attempted_by(second[:20] + first[20:], SECRET) is None
