"""The search over each page and the keys, as a person uses them."""

import re

from playwright.sync_api import expect

from tests.support.journeys.product import DEMO_KEY
from tests.support.readers import in_both_browsers


def order(reader, receiver, path, **fields):
    answer = reader.page.request.post(
        f"{reader.base}/api/jobs",
        data={"method": "post", "url": f"http://127.0.0.1:{receiver.port}{path}", **fields},
        headers={"Authorization": f"Bearer {DEMO_KEY}"},
    )
    return answer.json()["data"]["id"]


@in_both_browsers
def test_a_job_is_found_while_its_address_is_typed(reader, receiver):
    job_id = order(reader, receiver, "/ok?needle")
    page = reader.page
    page.keyboard.press("/")
    page.keyboard.type("needle")
    expect(page.locator("#found")).to_contain_text("needle")

    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    page.wait_for_url(re.compile(f"/jobs/{job_id}$"))


@in_both_browsers
def test_a_place_is_reached_by_its_name(reader):
    page = reader.page
    page.keyboard.press("Control+k")
    page.keyboard.type("endpo")
    expect(page.locator("#places a:visible")).to_have_count(1)

    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    page.wait_for_url(f"{reader.base}/endpoints")


def test_keys_lead_to_places_and_do_nothing_while_somebody_types(reader):
    page = reader.page
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url(f"{reader.base}/schedules")

    reader.go("/jobs")
    page.get_by_label("Search jobs").focus()
    page.keyboard.type("gs/n?")

    expect(page.get_by_label("Search jobs")).to_have_value("gs/n?")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_the_keys_are_listed_and_escape_closes_the_list(reader):
    page = reader.page
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    expect(page.locator("#shortcuts")).to_contain_text("New job")

    page.keyboard.press("Escape")

    expect(page.locator("#shortcuts")).to_be_hidden()


def test_a_key_with_a_modifier_is_left_to_the_browser(reader):
    page = reader.page
    presses = [f"{modifier}+{key}" for modifier in ("Control", "Meta", "Alt") for key in ("?", "/", "n")]
    page.evaluate("() => { window.taken = []; onkeydown = (event) => taken.push([event.key, event.defaultPrevented]) }")

    for press in presses:
        page.keyboard.press(press)

    taken = [press for press in page.evaluate("taken") if press[0] in ("?", "/", "n")]
    assert taken == [["?", False], ["/", False], ["n", False]] * 3
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()


def test_what_a_page_shows_is_acted_upon_from_the_palette(reader, receiver):
    job = order(reader, receiver, "/ok?from-palette", schedule_in=3600)
    page = reader.page
    reader.go(f"/jobs/{job}")
    expect(page.locator("main .state").first).to_have_text("scheduled")
    page.keyboard.press("Control+k")
    page.keyboard.type("run now")
    expect(page.locator("#commands button:visible")).to_have_text(["Run now"])

    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    expect(page.locator("main .state").first).to_have_text("completed")


def test_the_palette_does_not_do_by_itself_what_a_page_asks_for_twice(reader):
    page = reader.page
    page.request.put(
        f"{reader.base}/api/calendars/closed",
        data={"days": ["2096-01-01"]},
        headers={"Authorization": f"Bearer {DEMO_KEY}"},
    )
    reader.go("/calendars/closed")
    page.keyboard.press("Control+k")
    page.get_by_role("dialog").get_by_role("button", name="Delete…").click()

    expect(page.locator("#palette")).to_be_hidden()
    expect(page.get_by_role("button", name="Delete", exact=True)).to_be_focused()
    assert page.url == f"{reader.base}/calendars/closed"


def test_a_page_without_actions_lists_none(reader):
    reader.go("/channels")
    reader.page.keyboard.press("Control+k")
    expect(reader.page.locator("#commands")).to_be_hidden()


def commands(page):
    return page.locator("#commands button:visible").all_text_contents()


def test_the_palette_begins_anew_each_time_it_is_opened(reader, receiver):
    page = reader.page
    job = order(reader, receiver, "/ok?again", schedule_in=3600)
    page.clock.install()
    reader.go(f"/jobs/{job}")
    page.keyboard.press("Control+k")
    assert commands(page) == ["Cancel", "Run now", "Run a copy now", "Edit and run again"]
    page.keyboard.type("zzz")
    expect(page.locator("#places a:visible, #commands button:visible")).to_have_count(0)
    page.keyboard.press("Escape")
    page.request.delete(f"{reader.base}/api/jobs/{job}", headers={"Authorization": f"Bearer {DEMO_KEY}"})
    page.clock.run_for(10_100)
    expect(page.locator("main .state").first).to_have_text("cancelled")

    for _ in range(2):  # the second time it is open already
        page.keyboard.press("Control+k")

    assert commands(page) == ["Run again", "Edit and run again"]
    assert page.locator("#places a:visible").count() > 5


def test_each_action_of_a_page_is_listed_once(reader, receiver):
    page = reader.page
    order(reader, receiver, "/ok", name="listed once", repeat_every=[30, "minutes"])
    reader.go("/schedules")
    page.get_by_role("link", name="listed once").first.click()
    page.wait_for_url("**/schedules/*")
    page.keyboard.press("Control+k")

    assert commands(page) == ["Run now", "Disable", "Edit", "Delete…"]


def test_what_was_found_for_an_older_text_is_not_shown(reader):
    page, held = reader.page, []
    page.route(re.compile("q=older"), lambda route: held.append(route))
    page.keyboard.press("Control+k")
    box = page.get_by_role("dialog").get_by_role("searchbox")
    with page.expect_request(re.compile("q=older")):
        box.fill("older")
    box.fill("newer")
    expect(page.locator("#found a")).to_have_attribute("href", re.compile("newer"))

    with page.expect_response(re.compile("q=older")):
        held[0].continue_()
    page.evaluate("fetch('/healthz').then((answer) => answer.text())")
    expect(page.locator("#found a")).to_have_attribute("href", re.compile("newer"))

    box.fill("")
    expect(page.locator("#found li")).to_have_count(0)


def test_keys_that_come_late_or_before_a_list_of_keys_do_nothing(reader):
    page = reader.page
    page.clock.install()
    reader.go("/channels")
    page.keyboard.press("g")
    page.clock.run_for(1600)
    page.keyboard.press("s")
    page.keyboard.press("?")
    page.keyboard.press("n")
    page.get_by_role("heading", name="Keys").click()
    expect(page.locator("#shortcuts")).to_be_visible()

    page.mouse.click(5, 5)  # beside it

    expect(page.locator("#shortcuts")).to_be_hidden()
    assert page.url == f"{reader.base}/channels"
