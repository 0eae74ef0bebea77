"""What is done to all jobs of a filter, as the person sees it who waits."""

from playwright.sync_api import expect

from tests.support.journeys.product import DEMO_KEY

JOBS = 150


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


def test_all_that_match_are_cancelled_and_the_page_follows(reader, receiver):
    page = reader.page
    order_many(reader, receiver, "all")
    page.get_by_role("button", name="Cancel all").press("Enter")
    page.wait_for_url("**/operations/*")
    page.evaluate("window.sameDocument = true")

    expect(page.get_by_role("status")).to_have_text(f"Done: {JOBS} cancelled.")

    assert page.evaluate("window.sameDocument") is True
    reader.go("/jobs?label=all")
    expect(page.locator("tbody .state").first).to_have_text("cancelled")


def test_without_script_the_page_says_the_same_when_it_is_loaded_again(open_reader, receiver):
    reader = open_reader(java_script_enabled=False)
    reader.sign_in()
    order_many(reader, receiver, "plain")
    page = reader.page
    page.get_by_role("button", name="Cancel all").click()
    page.wait_for_url("**/operations/*")
    for _ in range(100):
        if page.get_by_role("status").count():
            break
        page.wait_for_timeout(100)
        page.reload()
    expect(page.get_by_role("status")).to_have_text(f"Done: {JOBS} cancelled.")
