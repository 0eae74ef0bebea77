"""The menu: which pages it leads to, which section and tab a page belongs to, and the badge on failures."""

import pkgutil

import pytest

from api.dashboard import pages
from api.dashboard.navigation import OUTSIDE, SECTIONS
from api.dashboard.reference import api_reference
from models.jobs import replays
from models.operations import overview
from models.rules import clock
from tests.support.apps import PAGES
from tests.support.browsers import Markup
from tests.support.rows import make_job

TABS = [tab for section in SECTIONS for tab in section.tabs]


def links_in(text, label):
    """The address and the mark of each link of the navigation with this label."""
    part = text.split(f'aria-label="{label}"', 1)[1].split("</nav>", 1)[0]
    return [(fields["href"], fields.get("aria-current")) for tag, fields in Markup(part).tags if tag == "a"]


def links_of_tabs(text):
    start = 'class="tabs" aria-label="'
    return links_in(text, text.split(start, 1)[1].split('"', 1)[0]) if start in text else []


def marked(links):
    return [(href, mark) for href, mark in links if mark]


def test_every_module_with_pages_stands_in_one_tab_or_outside_of_all():
    listed = [module.__name__ for tab in TABS for module in tab.modules] + [m.__name__ for m in OUTSIDE]

    modules = pkgutil.walk_packages(pages.__path__, f"{pages.__name__}.")
    names = [module.name for module in modules if not module.ispkg]
    assert sorted(listed) == sorted([*names, api_reference.__name__])


def test_the_menu_leads_to_six_places_and_their_tabs_to_the_rest(alice):
    menu = links_in(alice.get("/").text, "Main")
    tabs = {href for path, _ in menu for href, _ in links_of_tabs(alice.get(path).text)}

    assert len(menu) == len(SECTIONS) == 6
    assert {path for path, _ in menu} | tabs == set(PAGES) - {"/jobs/new", "/find"}


@pytest.mark.parametrize(
    ("path", "place", "tab"),
    [
        ("/jobs/new", "/jobs", "/jobs"),
        ("/jobs/{job}", "/jobs", "/jobs"),
        ("/logs", "/jobs", "/logs"),
        ("/keys", "/keys", "/keys"),
        ("/channels", "/keys", "/channels"),
        ("/lanes", "/flows", "/lanes"),
    ],
)
def test_the_menu_and_the_tabs_mark_the_place_of_the_page(alice, path, place, tab):
    job = make_job(alice.account, "scheduled", 60)

    text = alice.get(path.format(job=job.uuid)).text

    assert marked(links_in(text, "Main")) == [(place, "page" if place == tab else "true")]
    assert marked(links_of_tabs(text)) == [(tab, "page")]


def test_a_section_of_one_page_has_no_tabs(alice):
    text = alice.get("/").text

    assert marked(links_in(text, "Main")) == [("/", "page")]
    assert links_of_tabs(text) == []


def badge(browser):
    text = browser.get("/").text
    return text.split('class="badge"', 1)[1].split(">", 1)[1].split("<", 1)[0] if 'class="badge"' in text else None


def make_tried(account, state, hours_ago):
    return make_job(account, state, 60, attempt=1, attempted_at=clock.now() - hours_ago * clock.HOUR)


def test_the_badge_counts_what_failed_within_a_day(alice, bob):
    for state in ("discarded", "retryable"):
        make_tried(alice.account, state, 1)
        make_tried(alice.account, state, 25)
    make_tried(bob.account, "discarded", 1)
    make_tried(alice.account, "completed", 1)

    assert (badge(alice), badge(bob)) == ("2", "1")


def test_the_badge_does_not_count_what_was_run_again(alice):
    seen_to = make_tried(alice.account, "discarded", 1)
    make_tried(alice.account, "discarded", 1)

    replays.replay(alice.account.id, [seen_to.id], clock.now())

    assert badge(alice) == "1"


def test_the_badge_counts_a_job_that_was_given_up_before_it_was_attempted(alice):
    """The page of failures lists it: such as one that came too late."""
    make_job(alice.account, "discarded", attempt=0, attempted_at=None)

    assert badge(alice) == "1"


def test_where_nothing_failed_is_no_badge(alice):
    make_tried(alice.account, "completed", 1)

    assert badge(alice) is None


@pytest.mark.parametrize("states", [("discarded", "discarded"), ("discarded", "retryable")])
def test_the_count_of_the_badge_ends(alice, monkeypatch, states):
    monkeypatch.setattr(overview, "MANY", 2)
    for state in 2 * states:
        make_tried(alice.account, state, 1)

    assert overview.failing_of_late(alice.account.id, clock.now() - clock.DAY) == 2


def test_a_page_that_is_not_there_has_the_menu_of_whoever_is_signed_in(alice, nobody):
    lost = alice.get("/nothing/here", headers={"Accept": "text/html"})
    stranger = nobody.get("/nothing/here", headers={"Accept": "text/html"})

    assert (lost.status_code, len(links_in(lost.text, "Main"))) == (404, 6)
    assert (stranger.status_code, 'aria-label="Main"' in stranger.text) == (404, False)


def test_a_part_that_refreshes_comes_without_what_surrounds_it(alice, moved_clock, monkeypatch):
    """Each refresh counted the failures of the badge and drew the menu, the palette and the timeline again."""
    whole = alice.get("/").text
    monkeypatch.setattr(overview, "failing_of_late", lambda *_: pytest.fail("counted for a part"))

    part = alice.get("/", headers={"Booper-Part": "1"}).text

    surrounding = ('aria-label="Main"', 'id="palette"', 'id="timeline"')
    assert all(text in whole for text in surrounding)
    assert not any(text in part for text in surrounding)
    assert 'id="overview"' in part


@pytest.mark.parametrize(
    ("chosen", "shown"), [("dark", ' data-theme="dark"'), ("light", ' data-theme="light"'), ("", ""), ("x", "")]
)
def test_the_colors_are_chosen_without_script(alice, chosen, shown):
    alice.send("/theme", theme="dark")

    answer = alice.send("/theme", theme=chosen)

    assert (answer.status_code, answer.location) == (303, "/")
    assert f'<html lang="en"{shown}>' in alice.get("/").text


@pytest.mark.parametrize(
    ("referrer", "target"),
    [
        ("http://localhost/jobs?state=x", "/jobs?state=x"),
        ("https://evil.example//evil.example/x", "/"),
        ("https://evil.example", "/"),
        ("", "/"),
    ],
)
def test_choosing_colors_leads_back_to_the_page_and_to_no_other_site(alice, referrer, target):
    form = {"csrf": alice.token(), "theme": "dark"}

    assert alice.client.post("/theme", data=form, headers={"Referer": referrer}).location == target


def test_the_demo_key_signs_in_with_one_button(nobody):
    assert "Sign in with the demo key" in nobody.get("/sign-in").text


def test_the_badge_comes_by_itself_for_a_page_that_stays_open(alice, nobody):
    assert '<span class="badge"' not in alice.get("/failures/badge").text

    make_tried(alice.account, "discarded", 1)

    part = alice.get("/failures/badge").text
    assert ">1</span>" in part
    assert part.strip() in alice.get("/").text
    assert nobody.get("/failures/badge").location.startswith("/sign-in")
