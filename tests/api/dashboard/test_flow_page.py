"""The page of one flow: its limits, the last hour, and what is refused or belongs to others."""

import pytest

from models.flows import gates, minutes
from models.rules import clock
from models.rules.limits import FLOW, Limits
from tests.support.browsers import Markup

SVG = "<svg/onload=alert(1)>"
PAGE = "/flows/one"


@pytest.fixture
def shop(alice):
    gate = gates.ensure(alice.account.id, FLOW, "shop-42", clock.now())
    return gates.set_limits(gate, Limits(10, clock.MINUTE, 3), False, clock.now())


def bars(text):
    return [fields for tag, fields in Markup(text).tags if tag == "rect" and fields.get("class") == "fill-started"]


def test_the_page_shows_limits_and_the_last_hour(alice, shop, moved_clock):
    minutes.add({shop.id: [1, 2]}, clock.now())
    moved_clock.advance(seconds=60)
    minutes.add({shop.id: [3]}, clock.now())

    page = alice.get(f"{PAGE}?key=shop-42").text

    assert "10 in 1 min, 3 at once" in page
    assert [bar["height"] for bar in bars(page)] == ["120.0", "60.0"]
    assert "09:00 UTC: 2 started" in page
    assert len(bars(alice.get("/flows").text)) == 2


def test_a_flow_without_starts_has_no_bars(alice, shop):
    page = alice.get(f"{PAGE}?key=shop-42").text

    assert bars(page) == []
    assert "No request of this flow started in the last hour." in page


def test_limits_are_set_for_good(alice, shop):
    answer = alice.send("/flows/limits", key="shop-42", rate="20", per="1m30s", concurrency="")

    kept = gates.find(alice.account.id, FLOW, "shop-42")
    assert answer.location == f"{PAGE}?key=shop-42&note=saved"
    assert (kept.limits[:3], kept.is_pinned) == ((20, 90 * clock.SECOND, None), 1)


@pytest.mark.parametrize(
    "fields",
    [{"rate": "0", "per": "1m"}, {"rate": "x", "per": "1m"}, {"rate": "5"}, {"per": "1h"}, {"concurrency": "-1"}],
)
def test_limits_that_cant_be_are_told_and_change_nothing(alice, shop, fields):
    answer = alice.send("/flows/limits", key="shop-42", **fields)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert gates.find(alice.account.id, FLOW, "shop-42").limits == shop.limits


def test_counted_starts_are_forgotten(alice, shop):
    assert alice.send("/flows/reset", key="shop-42").location == f"{PAGE}?key=shop-42&note=reset"


def test_the_flow_of_another_account_is_neither_shown_nor_changed(alice, bob, shop):
    assert bob.get(f"{PAGE}?key=shop-42").status_code == 404
    for action in ("limits", "reset"):
        assert bob.send(f"/flows/{action}", key="shop-42", rate="1", per="1m").status_code == 404
    assert gates.find(alice.account.id, FLOW, "shop-42").limits == shop.limits


@pytest.mark.parametrize("key", ["", "none", "x" * 129, "\x00"])
def test_a_flow_that_is_not_there_is_not_found(alice, key):
    assert alice.get(PAGE, query_string={"key": key}).status_code == 404


def test_a_hostile_key_and_hostile_limits_are_text(alice):
    gates.ensure(alice.account.id, FLOW, SVG, clock.now())

    shown = alice.get(PAGE, query_string={"key": SVG}).text
    refused = alice.send("/flows/limits", key=SVG, rate='"><script>', per=SVG)

    for text in (shown, refused.text):
        assert SVG not in text
        assert "<script>" not in text
