"""The timeline in Chromium: it moves, fills as jobs run, is held still, zooms, and is led through by the keyboard."""

import re

from playwright.sync_api import expect

from tests.support.journeys.product import DEMO_KEY
from tests.support.readers import in_both_browsers
from tests.support.waiting import wait_until

MOVED = "getComputedStyle(document.querySelector('.tl-moving')).transform"
STANDING = ("none", "matrix(1, 0, 0, 1, 0, 0)")
LEFT_OF_NOW = """() => {
  const plot = document.querySelector(".tl-plot").getBoundingClientRect();
  const mark = document.querySelector(".tl-ahead [data-key]").getBoundingClientRect();
  return mark.left - (plot.left + plot.width / 2);
}"""


def order(reader, receiver, name, path="/ok", in_s=0, **fields):
    """The integer of a fresh job."""
    answer = reader.page.request.post(
        f"{reader.base}/api/jobs",
        data={"url": f"http://127.0.0.1:{receiver.port}{path}", "name": name, "schedule_in": in_s, **fields},
        headers={"Authorization": f"Bearer {DEMO_KEY}"},
    )
    assert answer.status == 201, answer.text()
    return answer.json()["data"]["job_id"]


def mark_of(reader, job, number=1):
    return reader.page.locator(f'[data-key="{job}.{number}"]')


@in_both_browsers
def test_a_job_comes_in_from_the_right_and_is_filled_when_it_is_sent(reader, receiver):
    job = order(reader, receiver, "comes in", in_s=4)
    reader.go("/?span=5m")
    expect(reader.page.locator(f'.tl-ahead [data-key="{job}.1"] circle.tl-due')).to_have_count(1)
    reader.page.evaluate("window.sameDocument = true")

    expect(reader.page.locator(f'.tl-dots:not(.tl-ahead) [data-key="{job}.1"] .tl-done')).to_have_count(1)

    assert reader.page.evaluate("window.sameDocument") is True
    assert reader.page.locator(f'.tl-ahead [data-key="{job}.1"]').count() == 0


@in_both_browsers
def test_a_click_on_a_mark_opens_its_job(reader, receiver):
    job = order(reader, receiver, "clicked", in_s=150)
    reader.go("/?span=5m")

    mark_of(reader, job).click(force=True)  # it moves

    reader.page.wait_for_url(f"**/jobs/{job}")
    expect(reader.page.locator("h1")).to_contain_text("clicked")


def test_a_failure_looks_other_than_a_success(reader, receiver):
    job = order(reader, receiver, "fails", path="/status/500", max_attempts=1)
    reader.go("/?span=5m")

    expect(mark_of(reader, job).locator("use.tl-failed")).to_have_count(1)


def test_marks_move_towards_now_and_stand_when_they_are_held(reader, receiver):
    page = reader.page
    order(reader, receiver, "moves", in_s=200)
    reader.go("/?span=5m")
    before = page.evaluate(LEFT_OF_NOW)

    wait_until(lambda: page.evaluate(LEFT_OF_NOW) < before - 1, 60, "the mark further to the left")

    page.get_by_role("button", name="Hold still").click()
    expect(page.get_by_role("button", name="Hold still")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("document.querySelector('.tl-moving').getAnimations().length") == 0
    assert page.evaluate(MOVED) in STANDING
    page.get_by_role("button", name="Hold still").click()
    wait_until(lambda: page.evaluate(MOVED) not in STANDING, 60, "a picture that moves again")


def test_nothing_moves_for_who_prefers_that_but_it_stays_fresh(open_reader, receiver):
    reader = open_reader(reduced_motion="reduce")
    reader.sign_in()
    reader.go("/?span=5m")
    job = order(reader, receiver, "still", in_s=1)

    expect(reader.page.locator(f'.tl-dots:not(.tl-ahead) [data-key="{job}.1"]')).to_have_count(1)

    assert reader.page.evaluate("document.getAnimations().length") == 0


@in_both_browsers
def test_the_zoom_changes_the_picture_and_the_address_without_a_reload(reader, receiver):
    page = reader.page
    job = order(reader, receiver, "far away", in_s=3 * 60 * 60)
    reader.go("/")
    page.evaluate("window.sameDocument = true")
    expect(mark_of(reader, job)).to_have_count(0)

    page.get_by_role("link", name="6 h").click()

    expect(mark_of(reader, job)).to_have_count(1)
    expect(page.get_by_role("link", name="6 h")).to_have_attribute("aria-current", "true")
    assert "span=6h" in page.url
    assert page.evaluate("window.sameDocument") is True


@in_both_browsers
def test_the_keyboard_leads_from_mark_to_mark_and_opens_one(reader, receiver):
    page = reader.page
    job = order(reader, receiver, "by keys", in_s=100)
    reader.go("/?span=5m")
    page.get_by_role("button", name="Hold still").click()
    plot = page.get_by_role("group", name=re.compile("Timeline"))
    plot.focus()

    page.keyboard.press("ArrowRight")
    for _ in range(20):
        if "by keys" in page.locator(".tl-say").inner_text():
            break
        page.keyboard.press("ArrowRight")

    expect(page.locator(".tl-say")).to_contain_text("by keys")
    expect(page.locator(".tl-current")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/jobs/{job}")


def test_the_keys_plus_and_minus_zoom(reader):
    page = reader.page
    reader.go("/")
    page.get_by_role("group", name=re.compile("Timeline")).focus()

    page.keyboard.press("-")
    expect(page.get_by_role("link", name="6 h")).to_have_attribute("aria-current", "true")
    page.keyboard.press("+")
    expect(page.get_by_role("link", name="1 h", exact=True)).to_have_attribute("aria-current", "true")


def test_without_script_it_is_a_picture_whose_marks_are_links(open_reader, receiver):
    reader = open_reader(java_script_enabled=False)
    reader.sign_in()
    job = order(reader, receiver, "plain", in_s=120)
    reader.go("/?span=5m")

    expect(reader.page.get_by_role("button", name="Hold still")).to_have_count(0)
    mark_of(reader, job).click()

    reader.page.wait_for_url(f"**/jobs/{job}")


def test_a_hostile_name_is_text_when_a_mark_tells_it(reader, receiver):
    name = "<img src=x onerror=document.title='taken'>"
    job = order(reader, receiver, name, in_s=100)
    reader.go("/?span=5m")

    mark_of(reader, job).hover(force=True)

    expect(reader.page.locator(".tl-say")).to_contain_text("<img src=x")
    assert reader.page.title() == "Overview · Booper"


def test_a_picture_that_is_let_go_is_fresh_at_once_and_held_pages_stay_held(reader, receiver):
    """It stood as it was until the next turn, half a minute at most, while its marks moved on."""
    page, hold = reader.page, reader.page.get_by_role("button", name="Hold still")
    page.clock.install()
    reader.go("/timeline?span=7d")
    hold.click()
    job = order(reader, receiver, "meanwhile", in_s=3600)
    page.clock.run_for(60_000)
    expect(mark_of(reader, job)).to_have_count(0)

    hold.click()
    expect(mark_of(reader, job)).to_have_count(1)

    for pressed in ("true", "false"):
        hold.click()
        page.reload()
        expect(hold).to_have_attribute("aria-pressed", pressed)


def test_an_older_picture_does_not_take_the_place_of_the_chosen_one(reader):
    page, held = reader.page, []
    page.clock.install()
    reader.go("/timeline")
    page.route(re.compile("span=6h"), lambda route: held.append(route))
    with page.expect_request(re.compile("span=6h")):
        page.get_by_role("link", name="6 h").click()
    page.get_by_role("link", name="24 h").click()
    expect(page.get_by_role("link", name="24 h")).to_have_attribute("aria-current", "true")

    with page.expect_response(re.compile("span=6h")):
        held[0].continue_()
    page.evaluate("fetch('/healthz').then((answer) => answer.text())")

    expect(page.get_by_role("link", name="24 h")).to_have_attribute("aria-current", "true")


def test_a_refresh_keeps_the_mark_that_the_keys_have_reached(reader, receiver):
    """A mark to come was forgotten, and the next key began at now again."""
    page = reader.page
    job = order(reader, receiver, "kept", in_s=100)
    page.clock.install()
    reader.go("/timeline?span=5m")
    mark_of(reader, job).evaluate("mark => mark.classList.add('tl-current')")

    for _ in range(2):
        page.evaluate("document.querySelector('.tl-moving').dataset.mine = 'yes'")
        page.clock.run_for(2100)
        expect(page.locator(".tl-moving[data-mine]")).to_have_count(0)

    expect(page.locator(".tl-current")).to_have_attribute("data-key", f"{job}.1")


def test_the_text_of_an_empty_picture_comes_back(reader):
    page = reader.page
    page.clock.install()
    reader.go("/timeline?span=5m&host=nowhere.example")
    page.locator(".tl-empty").evaluate("text => text.remove()")

    page.clock.run_for(2100)

    expect(page.locator(".tl-empty")).to_have_count(1)
