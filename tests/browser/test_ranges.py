"""Times that a person types into a page are in the zone of the browser, and say so."""

import re

from playwright.sync_api import expect

from tests.support.readers import in_both_browsers

TYPED = "2026-07-01T10:00:30"
IN_UTC = "2026-07-01T08:00:30.000000Z"


def ask_for_range(reader):
    reader.go("/jobs")
    reader.page.get_by_text("Other times…").click()
    reader.page.locator(".range input[name=after]").fill(TYPED)
    reader.page.get_by_role("button", name="Show").click()


@in_both_browsers
def test_a_range_is_typed_and_shown_again_in_the_readers_zone(reader):
    page = reader.page
    ask_for_range(reader)

    page.wait_for_url(re.compile("zone=Europe%2FBerlin"))
    expect(page.locator(".range input[name=after]")).to_have_value(TYPED)
    expect(page.locator(".range input[name=after]")).to_have_attribute("data-instant", IN_UTC)
    expect(page.locator(".range")).to_contain_text("in Europe/Berlin")


@in_both_browsers
def test_a_time_of_the_hour_that_comes_twice_stays(reader):
    page, second = reader.page, "2026-10-25T01:30:00.000000Z"  # 02:30 for the second time
    reader.go(f"/jobs?after={second}")
    expect(page.locator(".range input[name=after]")).to_have_value(re.compile("^2026-10-25T02:30"))
    page.locator(".range input[name=before]").fill("2026-10-26T10:00:30")
    page.get_by_role("button", name="Show").click()

    page.wait_for_url(re.compile("zone=Europe%2FBerlin"))
    expect(page.locator(".range input[name=after]")).to_have_attribute("data-instant", second)

    page.locator(".range input[name=after]").fill("2026-10-25T02:30:30")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".range input[name=after]")).to_have_attribute("data-instant", "2026-10-25T00:30:30.000000Z")


@in_both_browsers
def test_the_bounds_of_a_schedule_are_typed_and_shown_in_the_readers_zone(reader):
    page = reader.page
    reader.go("/jobs/new?when=cron")
    page.locator("input[name=url]").fill("https://example.com/")
    page.locator("#bounds summary").click()
    page.get_by_label("Not before, in Europe/Berlin").fill("2096-07-01T10:00:30")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("link", name="Edit").click()

    expect(page.get_by_label("Not before, in Europe/Berlin")).to_have_value("2096-07-01T10:00:30")
    page.get_by_role("button", name="Edit as JSON").click()
    expect(page.locator("textarea[name=json]")).to_have_value(re.compile('"starts_at": "2096-07-01T08:00:30Z"'))


@in_both_browsers
def test_the_time_of_a_new_job_keeps_its_offset_until_it_is_changed(reader):
    page = reader.page
    reader.go("/jobs/new")
    page.evaluate("""() => {
        const form = document.querySelector("form[data-preview]");
        form.at.setAttribute("value", "2026-10-25T02:30:00");
        form.offset.value = "+01:00";
    }""")
    page.locator("input[name=url]").fill("https://example.com/")
    assert page.locator("input[name=offset]").input_value() == "+01:00"
    page.locator("input[name=at]").fill("2026-10-25T02:30:30")
    assert page.locator("input[name=offset]").input_value() == "+02:00"


def test_without_script_times_are_in_utc_and_the_page_says_so(open_reader):
    reader = open_reader(java_script_enabled=False, timezone_id="Europe/Berlin")
    reader.sign_in()
    ask_for_range(reader)

    reader.page.wait_for_url(re.compile("zone=UTC"))
    expect(reader.page.locator(".range input[name=after]")).to_have_value(TYPED)
    expect(reader.page.locator(".range")).to_contain_text("in UTC")


def test_a_pause_ends_at_the_time_of_the_reader(reader):
    page = reader.page
    reader.go("/hosts")
    form = page.locator("form.stack")
    form.get_by_label("Host").fill("paused.example.com")
    form.get_by_label("Until, in Europe/Berlin").fill("2027-07-01T10:00:30")
    form.get_by_role("button", name="Pause").click()

    expect(page.locator("#hosts")).to_contain_text("until 2027-07-01 10:00:30")
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("status")).to_contain_text("Resumed")
