"""The cards of the overview: what each says, and that it leads to what it counts. And the table of hosts."""

import re
from html import unescape

import pytest

from models.flows import closing, gates
from models.operations.timelines import past_attempts
from models.rules import clock
from models.rules.limits import FLOW, HOST
from tests.support.attempt_rows import attempted_job, note
from tests.support.browsers import Markup
from tests.support.rows import make_job

SVG = "<svg/onload=alert(1)>"


@pytest.fixture(autouse=True)
def early_log(monkeypatch):
    """Entries keep the instants of their attempts, though the tests write them long after."""
    monkeypatch.setattr("models.database.settling.SETTLE_US", 10 * clock.HOUR)


def cards(browser):
    """By its name, a card's figure, look and address."""
    text = browser.get("/").text
    card = re.compile(r'<li class="health-(\w+)(?: health-(\w+))?"><a href="([^"]*)"><b>([^<]*)</b>')
    return {name: (figure, look, unescape(url)) for name, look, url, figure in card.findall(text)}


def test_the_cards_of_an_hour_without_attempts_say_nothing(alice, moved_clock):
    shown = {name: figure for name, (figure, *_) in cards(alice).items()}

    assert shown == {"success": "–", "lateness": "–", "attempts": "0", "hosts": "0", "waiting": "0"}


def test_the_success_rate_is_that_of_the_last_hour(alice, bob, moved_clock):
    note(alice.account, 30, 900, completed=97, failed=3)
    note(alice.account, 61, 900, completed=0, failed=500)
    note(bob.account, 5, 900, completed=0, failed=500)

    assert cards(alice)["success"][:2] == ("97%", "warn")


@pytest.mark.parametrize(("completed", "look"), [(990, "good"), (989, "warn"), (950, "warn"), (949, "bad")])
def test_the_look_of_the_success_rate_changes_at_its_bounds(alice, moved_clock, completed, look):
    note(alice.account, 5, 900, completed=completed, failed=1000 - completed)

    assert cards(alice)["success"][1] == look


def test_a_rate_is_never_rounded_up_to_all(alice, moved_clock):
    note(alice.account, 5, 900, completed=9999, failed=1)

    assert cards(alice)["success"][:2] == ("99.9%", "good")


def test_the_success_rate_leads_to_the_attempts_that_it_counts(alice, moved_clock):
    note(alice.account, 5, 900, completed=1, failed=0)
    chosen = attempted_job(alice.account, 300)
    attempted_job(alice.account, 3700)

    assert jobs_of(alice, cards(alice)["success"][2]) == {chosen.uuid}


def test_the_lateness_is_that_of_the_whole_hour(alice, moved_clock):
    """The legend below tells the latest minute."""
    note(alice.account, 30, 90 * clock.SECOND, completed=10)
    note(alice.account, 1, 900, completed=90)

    figure, look, url = cards(alice)["lateness"]

    assert "min" in figure
    assert look == "warn"
    assert url == "/timeline?span=1h&height=late"


def test_the_attempts_are_those_of_the_last_full_minute(alice, moved_clock):
    note(alice.account, 0, 900, completed=5)
    note(alice.account, 1, 900, completed=40, failed=2)

    assert cards(alice)["attempts"][0] == "42"


def test_the_card_of_failing_hosts_leads_to_those(alice, bob, moved_clock):
    for account, host, failures in ((alice.account, "down.example.com", 3), (alice.account, "up.example.com", 0)):
        gate = gates.hold(account.id, HOST, host, clock.now())
        closing.write(gate._replace(failures=failures), clock.now())
    gate = gates.hold(bob.account.id, HOST, "other.example.com", clock.now())
    closing.write(gate._replace(failures=3), clock.now())

    figure, look, url = cards(alice)["hosts"]
    page = alice.get(url).text

    assert (figure, look) == ("1", "bad")
    assert "down.example.com" in page
    assert "up.example.com" not in page
    assert "other.example.com" not in page
    assert "up.example.com" in alice.get("/hosts").text


def test_what_is_due_is_counted_by_what_it_waits_for(alice, bob, moved_clock):
    flow = gates.hold(alice.account.id, FLOW, "shop-42", clock.now())
    for _ in range(2):
        make_job(alice.account, "available", -5, parked_by=flow.id, flow_id=flow.id)
    make_job(alice.account, "scheduled", -5)
    make_job(alice.account, "scheduled", 60)
    make_job(bob.account, "scheduled", -5)

    text = alice.get("/").text

    assert cards(alice)["waiting"][0] == "3"
    assert '<a href="/flows">2 for their flow</a>' in text
    assert '<a href="/jobs?due=overdue">1 for a free slot</a>' in text
    assert "for their lane" not in text


def test_the_table_of_hosts_says_how_each_did(alice, bob, moved_clock):
    for number in range(3):
        attempted_job(alice.account, 60 + number, host="good.example.com")
    attempted_job(alice.account, 60, host="bad.example.com")
    failed = attempted_job(alice.account, 30, "timeout", host="bad.example.com")
    attempted_job(alice.account, 4000, host="old.example.com")
    attempted_job(bob.account, 60, host="other.example.com")

    page = alice.get("/hosts").text
    hosts = re.findall(r'<a href="/timeline\?host=[^"]*">([^<]*)</a>', page)

    assert hosts == ["bad.example.com", "good.example.com"]
    assert re.findall(r"([\d.]+%)<span class=\"narrow-only\"> succeeded", page) == ["50%", "100%"]
    error = re.search(rf'href="/jobs/{failed.id}" title="[^"]*">([^<]*)</a>.*?<code>([^<]*)</code>', page)
    assert error.groups() == ("no whole response came in time", "timeout")
    assert re.findall(r'class="hidden">(\d attempts, \d failed)', page) == [
        "2 attempts, 1 failed",
        "3 attempts, 0 failed",
    ]


@pytest.mark.parametrize(("whole", "says_so"), [(4, True), (100, False)])
def test_the_table_of_hosts_says_where_it_is_a_sample(alice, moved_clock, monkeypatch, whole, says_so):
    monkeypatch.setattr(past_attempts, "WHOLE", whole)
    for number in range(5):
        attempted_job(alice.account, 60 + number, host="api.example.com")

    page = alice.get("/hosts").text

    assert ("The figures come from a part of them." in page) == says_so
    assert "api.example.com" in page


def test_the_table_of_hosts_says_what_holds_one_back(alice, moved_clock):
    attempted_job(alice.account, 60, host="api.example.com")
    assert '<span class="state enabled">open</span>' in alice.get("/hosts").text

    closing.pause(alice.account.id, HOST, "api.example.com", until=None, reason=None, now=clock.now())

    assert alice.get("/hosts").text.count('<span class="state late">paused</span>') == 2


def test_the_search_for_hosts_leaves_those_that_match(alice, moved_clock):
    attempted_job(alice.account, 60, host="api.example.com")
    attempted_job(alice.account, 60, host="www.example.org")

    page = alice.get("/hosts?text=EXAMPLE.COM").text

    assert "host=api.example.com" in page
    assert "www.example.org" not in page


def test_a_hostile_host_is_text(alice, moved_clock):
    attempted_job(alice.account, 60, SVG, host=SVG)

    page = alice.get("/hosts").text

    assert SVG not in page
    assert "&lt;svg" in page


def jobs_of(browser, path):
    links = [attributes.get("href", "") for tag, attributes in Markup(browser.get(path).text).tags if tag == "a"]
    return {link.removeprefix("/jobs/") for link in links if link.startswith("/jobs/0")}


def test_a_card_has_the_figure_of_each_minute_of_its_line(alice, moved_clock):
    note(alice.account, 5, 900, completed=97, failed=3)
    pages = re.findall(r'health-(\w+)[^>]*>.*?data-course="([^"]*)" data-first="(\d+)"', alice.get("/").text, re.DOTALL)
    shown = {name: course.split("|") for name, course, _ in pages}
    assert {name: (len(course), course[-6]) for name, course in shown.items() if name != "attempts"} == {
        "success": (60, "97%"),
        "lateness": (60, shown["lateness"][-6]),
        "hosts": (60, "3 failed"),
    }
    assert (len(shown["attempts"]), shown["attempts"][-5]) == (59, "100")
    assert shown["lateness"][-6].endswith("ms")
    assert {int(first) for *_, first in pages} == {(clock.now() // clock.MINUTE - 59) * 60_000}


@pytest.mark.parametrize(("count", "label"), [(1, "attempt a minute"), (2, "attempts a minute")])
def test_the_card_of_attempts_agrees_with_its_figure(alice, moved_clock, count, label):
    note(alice.account, 1, 1000, completed=count)
    assert f"<b>{count}</b> <span>{label}</span>" in alice.get("/").text
