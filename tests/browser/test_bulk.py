"""What is done to all jobs of a filter, as the person sees it who waits."""

from playwright.sync_api import expect

from models.operations import bulk
from tests.support.journeys.product import DEMO_KEY

JOBS = 2 * bulk.CHUNK + 50


def order_many(reader, receiver, label):
    """Jobs that are due in an hour, and the page that asks whether to cancel all of them."""
    order = {"url": f"http://127.0.0.1:{receiver.port}/ok", "schedule_in": 3600, "labels": [label]}
    answer = reader.page.request.post(
        f"{reader.base}/api/jobs/batch",
        data={"jobs": [order] * JOBS},
        headers={"Authorization": f"Bearer {DEMO_KEY}"},
    )
    assert answer.status == 201, answer.text()
    reader.go(f"/jobs?label={label}")
    reader.page.get_by_role("link", name="Cancel all…").click()
    expect(reader.page.locator("#bulk")).to_contain_text(f"{JOBS} jobs")


def test_all_that_match_are_cancelled_with_a_bar_that_moves(reader, receiver):
    page = reader.page
    order_many(reader, receiver, "all")
    page.evaluate("window.sameDocument = true")
    page.evaluate(
        """() => { window.seen = []; new MutationObserver(() => {
          const bar = document.querySelector("progress");
          if (bar && seen.at(-1) !== bar.value) seen.push(bar.value);
        }).observe(document.body, { childList: true, subtree: true }); }"""
    )
    page.get_by_role("button", name="Cancel all").press("Enter")
    expect(page.get_by_role("status")).to_have_text(f"Done: {JOBS} cancelled.")
    assert page.evaluate("window.sameDocument") is True
    assert page.evaluate("seen")[:2] == [bulk.CHUNK, 2 * bulk.CHUNK]
    expect(page.get_by_role("link", name="Back to the list")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("tbody .state").first).to_have_text("cancelled")


def test_it_can_be_stopped_and_goes_on_from_there(reader, receiver):
    page, waiting = reader.page, []
    order_many(reader, receiver, "stopped")
    page.route("**/jobs/bulk", lambda route: waiting.append(route))
    with page.expect_request("**/jobs/bulk"):
        page.get_by_role("button", name="Cancel all").click()
    page.get_by_role("button", name="Stop").click()
    waiting[0].continue_()
    expect(page.locator("#bulk")).to_contain_text(f"{bulk.CHUNK} cancelled; {JOBS - bulk.CHUNK} to go")
    expect(page.get_by_role("link", name="Stop here")).to_be_visible()

    page.unroute("**/jobs/bulk")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("status")).to_have_text(f"Done: {JOBS} cancelled.")


def test_a_missing_answer_is_shown_and_nothing_is_done_twice(reader, receiver):
    """An answer that does not come is told and nothing is done twice."""
    page = reader.page
    order_many(reader, receiver, "lost")
    page.route("**/jobs/bulk", lambda route: route.abort())
    page.get_by_role("button", name="Cancel all").click()
    expect(page.get_by_role("alert")).to_contain_text("No response to the last step")
    page.unroute("**/jobs/bulk")
    page.get_by_role("button", name="Cancel all").click()
    expect(page.get_by_role("status")).to_have_text(f"Done: {JOBS} cancelled.")

    reader.complaints.clear()  # of the request that was cut off


def test_without_script_it_goes_on_page_by_page(open_reader, receiver):
    reader = open_reader(java_script_enabled=False)
    reader.sign_in()
    order_many(reader, receiver, "plain")
    page = reader.page
    page.get_by_role("button", name="Cancel all").click()
    expect(page.locator("#bulk")).to_contain_text(f"{bulk.CHUNK} cancelled; {JOBS - bulk.CHUNK} to go")
    while page.get_by_role("button", name="Continue").count():
        page.get_by_role("button", name="Continue").click()
        page.wait_for_load_state()
    expect(page.get_by_role("status")).to_have_text(f"Done: {JOBS} cancelled.")
