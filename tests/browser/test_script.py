"""What the pages' script must not do to its reader: throw away what is begun, tell twice, or show what is out of date.

The browser's clock is moved instead of waited for.
"""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.support.journeys.product import DEMO_KEY

pytestmark = pytest.mark.journey
REFRESH_MS = 3000  # of the list of jobs
# A round trip to the server later, what an answer before set off has been done, whatever the browser's clock says.
SETTLED = "fetch('/healthz').then((answer) => answer.text())"


def order(reader, receiver, **fields):
    """A job that is due in an hour, ordered over the API."""
    answer = reader.page.request.post(
        f"{reader.base}/api/jobs",
        data={"url": f"http://127.0.0.1:{receiver.port}/ok", "schedule_in": 3600, **fields},
        headers={"Authorization": f"Bearer {DEMO_KEY}"},
    )
    assert answer.status == 201, answer.text()


@pytest.fixture
def list_of_one(reader, receiver):
    """The list of one job, with the browser's clock in the test's hand."""
    order(reader, receiver, name="watched")
    reader.page.clock.install()
    reader.go("/jobs?text=watched")
    reader.page.evaluate("document.getElementById('list').dataset.mine = 'yes'")
    return reader.page


def is_kept(page):
    """Whether the list is the one of before, not its newer part."""
    return page.locator("#list[data-mine]").count() == 1


def until_refreshed(page):
    """A control: the list asks for its newer part and takes it."""
    with page.expect_response("**/jobs?text=watched"):
        page.clock.run_for(REFRESH_MS + 100)
    expect(page.locator("#list[data-mine]")).to_have_count(0)


BOX = "input[name=job]"
BUSY = {
    "a field has the focus": (f"document.querySelector('{BOX}').focus()", "document.activeElement.blur()"),
    "a job is chosen": (f"document.querySelector('{BOX}').click()", f"document.querySelector('{BOX}').click()"),
    "a text is selected": (
        "getSelection().selectAllChildren(document.querySelector('#list td.wide'))",
        "getSelection().removeAllRanges()",
    ),
    "something is typed": (
        """(() => { const field = document.createElement('input'); field.id = 'typed'; field.value = 'half a wo';
           document.getElementById('list').prepend(field); field.focus(); })()""",
        "document.getElementById('typed').remove()",
    ),
}


@pytest.mark.parametrize("begin", BUSY)
def test_a_list_is_not_refreshed_while_its_reader_is_busy_in_it(list_of_one, begin):
    page, requests = list_of_one, []
    does, undoes = BUSY[begin]
    page.on("request", lambda request: requests.append(request.url) if "/jobs" in request.url else None)
    page.evaluate(does)

    for _ in range(3):
        page.clock.run_for(REFRESH_MS + 100)
        page.evaluate(SETTLED)

    assert requests == []
    assert is_kept(page)
    page.evaluate(undoes)
    page.evaluate("document.activeElement.blur()")
    until_refreshed(page)


@pytest.mark.parametrize("begin", BUSY)
def test_what_is_begun_while_a_refresh_is_under_way_is_not_thrown_away(list_of_one, begin):
    page, held = list_of_one, []
    page.route("**/jobs?text=watched", lambda route: held.append(route))
    with page.expect_request("**/jobs?text=watched"):
        page.clock.run_for(REFRESH_MS + 100)
    page.evaluate(BUSY[begin][0])

    with page.expect_response("**/jobs?text=watched") as came:
        held[0].continue_()
    came.value.finished()
    page.evaluate(SETTLED)

    assert is_kept(page)


@pytest.fixture
def part_requests(reader, receiver):
    """The page of a schedule, with the browser's clock in the test's hand, and what its parts ask for."""
    page, requests = reader.page, []
    order(reader, receiver, name="twice an hour", repeat_every=[30, "minutes"])
    reader.go("/schedules")
    page.get_by_role("link", name="twice an hour").first.click()
    page.clock.install()
    page.reload()
    page.on("request", lambda request: requests.append(request.url) if "/schedules/" in request.url else None)
    return requests


def test_parts_of_a_page_that_refresh_together_load_it_once(reader, part_requests):
    with reader.page.expect_response("**/schedules/*"):
        reader.page.clock.run_for(REFRESH_MS + 100)
    reader.page.evaluate(SETTLED)

    assert len(part_requests) == 1


def test_a_form_that_is_open_is_not_thrown_away(reader, part_requests):
    """The range of a backfill was gone three seconds after its fields had lost the focus."""
    page = reader.page
    page.get_by_text("Make up for past runs…").click()
    page.get_by_label("From, in Europe/Berlin").fill("2026-01-01T00:00")
    page.evaluate("document.activeElement.blur()")

    for _ in range(3):
        page.clock.run_for(REFRESH_MS + 100)
        page.evaluate(SETTLED)

    expect(page.get_by_label("From, in Europe/Berlin")).to_have_value("2026-01-01T00:00")


def test_a_live_tail_tells_each_entry_once_though_it_is_told_again(reader, receiver):
    page, streams = reader.page, []
    order(reader, receiver, schedule_in=0)
    reader.go("/logs")
    expect(page.locator("#entries tr").first).to_contain_text("http.response")
    shown = page.evaluate("document.querySelector('#entries tr').outerHTML")
    others = [re.sub("entry-[0-9a-f-]+", f"entry-{number}", shown) for number in range(2)]
    streamed = [[shown, others[0]], [shown, *others, others[1]]]

    def stream(route):
        """Two streams that end at once; the browser waits for the third."""
        streams.append(route)
        if len(streams) <= len(streamed):
            lines = "".join(f"data: {json.dumps(row)}\n\n" for row in streamed[len(streams) - 1])
            route.fulfill(content_type="text/event-stream", body=f"retry: 10\n\n{lines}")

    page.route("**/logs/stream*", stream)
    reader.go("/logs")
    expect(page.locator("#entry-1")).to_be_visible()
    page.evaluate(SETTLED)

    ids = page.evaluate("[...document.querySelectorAll('#entries tr')].map((row) => row.id)")
    assert ids[:2] == ["entry-1", "entry-0"]
    assert len(ids) == len(set(ids))


def test_what_comes_while_the_log_is_held_still_is_shown_when_it_is_let_go(reader, receiver):
    page, held = reader.page, []
    order(reader, receiver, schedule_in=0)
    reader.go("/logs")
    expect(page.locator("#entries tr").first).to_contain_text("http.response")
    shown = page.evaluate("document.querySelector('#entries tr').outerHTML")
    row = re.sub("entry-[0-9a-f-]+", "entry-new", shown)
    page.route("**/logs/stream*", lambda route: held.append(route))
    with page.expect_request("**/logs/stream*"):
        reader.go("/logs")
    page.get_by_role("button", name="Hold still").click()

    with page.expect_response("**/logs/stream*"):
        held[0].fulfill(content_type="text/event-stream", body=f"retry: 600000\n\ndata: {json.dumps(row)}\n\n")
    page.evaluate(SETTLED)
    expect(page.locator("#entry-new")).to_have_count(0)

    page.get_by_role("button", name="Hold still").click()
    expect(page.locator("#entry-new")).to_be_visible()


def test_a_slow_older_preview_does_not_take_the_place_of_a_newer_one(reader):
    page, held = reader.page, []
    reader.go("/jobs/new")
    expect(page.locator("#preview time")).to_have_count(1)
    page.route(re.compile(r"/jobs/preview\?.*amount=7200"), lambda route: held.append(route))
    with page.expect_request(re.compile("amount=7200")):
        page.get_by_label("amount", exact=True).fill("7200")
    page.get_by_label("amount", exact=True).fill("600")
    expect(page.locator("#preview")).to_contain_text(re.compile("in (10|9) min"))

    with page.expect_response(re.compile("amount=7200")):
        held[0].fulfill(response=held[0].fetch())
    page.evaluate(SETTLED)

    expect(page.locator("#preview")).to_contain_text(re.compile("in (10|9) min"))
