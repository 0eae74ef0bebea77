"""What a page that stays open does for the second time: it refreshes again, finds its reader signed out, finds the
server gone and back.

The browser's clock is moved instead of waited for.
"""

import json
import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.support.journeys.product import DEMO_KEY
from tests.support.waiting import wait_until

# A round trip to the server later, what an answer before set off has been done, whatever the browser's clock says.
SETTLED = "fetch('/healthz').catch(() => null)"
SIGN_IN = re.compile(r"/sign-in\?next=")
MARK = "document.getElementById('{}').dataset.mine = 'yes'"


def order(reader, receiver, **fields):
    """The job of an order over the API, due in an hour unless the fields say otherwise."""
    answer = reader.page.request.post(
        f"{reader.base}/api/jobs",
        data={"url": f"http://127.0.0.1:{receiver.port}/ok", "schedule_in": 3600, **fields},
        headers={"Authorization": f"Bearer {DEMO_KEY}"},
    )
    assert answer.status == 201, answer.text()
    return answer.json()["data"]["id"]


def cancel(reader, job):
    answer = reader.page.request.delete(
        f"{reader.base}/api/jobs/{job}", headers={"Authorization": f"Bearer {DEMO_KEY}"}
    )
    assert answer.ok, answer.text()


def after(page, milliseconds):
    """So much later, when all answers have come."""
    page.clock.run_for(milliseconds)
    page.evaluate(SETTLED)


def is_marked(page, part):
    return page.locator(f"#{part}[data-mine]").count() == 1


def test_a_log_without_a_stream_is_refreshed_until_it_is_held_still(reader, receiver):
    """It was refreshed once, though it said that it is every few seconds."""
    page, job = reader.page, order(reader, receiver)
    page.clock.install()
    page.route("**/logs/stream*", lambda route: route.fulfill(status=503))
    reader.go(f"/logs?job={job}")
    expect(page.locator("#tail-state")).to_have_text("refreshes every few seconds")
    expect(page.locator("[data-until-entries]")).to_be_visible()

    cancel(reader, job)
    for _ in range(2):
        page.evaluate(MARK.format("entries"))
        page.clock.run_for(5100)
        expect(page.locator("#entries[data-mine]")).to_have_count(0)
        expect(page.locator("#entries tr")).to_have_count(1)
        expect(page.locator("[data-until-entries]")).to_have_count(0)

    page.evaluate(MARK.format("entries"))
    page.get_by_role("button", name="Hold still").click()
    after(page, 10_200)
    assert is_marked(page, "entries")
    page.get_by_role("button", name="Hold still").click()
    page.clock.run_for(5100)
    expect(page.locator("#entries[data-mine]")).to_have_count(0)
    reader.complaints.clear()  # of the answer 503


def test_a_stream_that_ends_is_opened_again_and_its_page_is_not_refreshed(reader, receiver):
    page, streams, lists = reader.page, [], []
    job = order(reader, receiver)
    template = '<tr id="entry-{}"><td><time datetime="2026-01-01T12:00:00Z" data-local="time">UTC</time></td></tr>'
    rows = "".join(f"data: {json.dumps(template.format(number))}\n\n" for number in range(205))
    page.route(
        "**/logs/stream*",
        lambda route: (
            streams.append(route)
            or (len(streams) < 3 and route.fulfill(content_type="text/event-stream", body=f"retry: 10\n\n{rows}"))
        ),
    )
    page.clock.install()
    reader.go(f"/logs?job={job}")
    page.on("request", lambda request: lists.append(request.url) if "/logs?job" in request.url else None)
    wait_until(lambda: page.evaluate("1") and len(streams) >= 3, 30, "the third stream")

    after(page, 10_200)

    assert lists == []
    assert page.locator("#entries tr").count() == 200
    assert page.locator("#entries tr").first.get_attribute("id") == "entry-204"
    expect(page.locator("#entries tr time").first).to_have_text("2026-01-01 13:00:00")
    expect(page.locator("[data-until-entries]")).to_have_count(0)


def test_the_log_leaves_out_the_date_of_today_alone(reader, receiver):
    page = reader.page
    cancel(reader, job := order(reader, receiver))
    page.route("**/logs/stream*", lambda _: None)  # it never comes
    reader.go(f"/logs?job={job}")
    time = page.locator("#entries time").first
    at = datetime.fromisoformat(time.get_attribute("datetime"))
    for days, shown in ((0, r"^\d\d:\d\d:\d\d$"), (1, r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")):
        page.clock.set_fixed_time(at + timedelta(days=days))
        page.reload()
        expect(time).to_have_text(re.compile(shown))


def test_a_refresh_leaves_the_focus_and_what_is_open_and_closed(reader, receiver):
    page = reader.page
    page.clock.install()
    reader.go(f"/jobs/{order(reader, receiver)}")
    page.locator("#ordered > summary").click()
    page.locator("#command > summary").evaluate("summary => summary.parentElement.open = true")
    page.get_by_role("link", name="Edit and run again").focus()

    for _ in range(2):
        page.evaluate(MARK.format("job"))
        page.clock.run_for(10_100)
        expect(page.locator("#job[data-mine]")).to_have_count(0)
        expect(page.get_by_role("link", name="Edit and run again")).to_be_focused()
        assert page.evaluate("[ordered.open, command.open]") == [False, True]


def test_a_server_that_answers_no_more_is_told_with_when_it_last_did(reader):
    page, banner = reader.page, reader.page.locator("#unreachable")
    page.clock.install()
    reader.go("/keys")
    page.route("**/healthz", lambda route: route.fulfill(status=503))
    said = []
    for _ in range(2):
        page.clock.run_for(10_100)
        expect(banner).to_contain_text("The server can't answer since")
        page.evaluate(SETTLED)
        said.append(banner.text_content())
    assert said[0] == said[1]

    page.unroute("**/healthz")
    page.clock.run_for(10_100)
    expect(banner).to_be_hidden()
    page.route("**/healthz", lambda route: route.abort())
    page.clock.run_for(10_100)
    expect(banner).to_contain_text("The server can't be reached since")
    reader.complaints.clear()  # of the answers


def test_nothing_of_the_sign_in_page_is_shown_in_the_place_of_a_part(reader, receiver):
    page, job = reader.page, order(reader, receiver, name="signed out")
    cookies = page.context.cookies()
    page.clock.install()
    shown = {}

    def open_then_sign_out(path, place):
        page.context.add_cookies(cookies)
        reader.go(path)
        expect(page.locator(place)).not_to_be_empty()
        shown[place] = page.locator(place).inner_html()
        page.context.clear_cookies()

    open_then_sign_out("/jobs/new", "#preview")
    page.get_by_label("amount", exact=True).fill("7200")
    after(page, 300)
    assert page.locator("#preview").inner_html() == shown["#preview"]
    before = page.locator("#failing").inner_html()
    after(page, 30_100)
    assert page.locator("#failing").inner_html() == before
    page.keyboard.press("Control+k")
    page.keyboard.type("signed")
    after(page, 300)
    assert page.locator("#found li").count() == 0

    open_then_sign_out(f"/jobs/{job}", "#uuid")
    page.locator("#uuid").evaluate("place => place.dataset.whole = '/jobs'")
    page.get_by_role("button", name="Copy ID").click()
    expect(page.get_by_role("button", name="Not copied: loading failed. Try again")).to_be_visible()
    assert page.locator("#uuid").inner_html() == shown["#uuid"]

    open_then_sign_out("/jobs?text=signed", "#list tbody")
    page.get_by_role("searchbox").first.fill("state:failed")
    after(page, 300)
    assert page.locator("#list tbody tr").count() == 1


@pytest.mark.parametrize("path", ["/jobs", "/timeline", "/logs"])
def test_a_page_whose_reader_signed_out_elsewhere_asks_for_the_key(reader, path):
    page = reader.page
    page.clock.install()
    streams = []
    page.route("**/logs/stream*", lambda route: streams.append(route))
    reader.go(path)
    page.context.clear_cookies()
    for route in streams:
        route.continue_()
    if path == "/logs":
        expect(page.locator("#tail-state")).to_have_text("refreshes every few seconds")

    page.clock.run_for(5100)

    page.wait_for_url(SIGN_IN)
    reader.complaints.clear()  # of a stream that is a page


def test_a_note_is_not_shown_again_and_the_rest_of_the_address_stays(reader):
    reader.go("/jobs?text=nothing&note=deleted")
    expect(reader.page.get_by_role("status").filter(visible=True)).to_be_visible()

    assert reader.page.url == f"{reader.base}/jobs?text=nothing"


def test_a_slow_older_search_does_not_take_the_place_of_a_newer_one_which_stays_fresh(reader, receiver):
    page, held, box = reader.page, [], reader.page.get_by_role("searchbox").first
    order(reader, receiver, name="newer")
    page.clock.install()
    reader.go("/jobs")
    page.route(re.compile("q=older"), lambda route: held.append(route))
    with page.expect_request(re.compile("q=older")):
        box.fill("older")
        page.clock.run_for(300)
    box.fill("newer")
    page.clock.run_for(300)
    expect(page.locator("#list tbody tr")).to_have_count(1)

    with page.expect_response(re.compile("q=older")):
        held[0].continue_()
    page.evaluate(SETTLED)
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page.locator("#list tbody time").first).to_have_attribute("title", re.compile(" here, "))
    assert "q=newer" in page.url

    order(reader, receiver, name="newer still")
    page.clock.run_for(3100)
    expect(page.locator("#list tbody tr")).to_have_count(2)
