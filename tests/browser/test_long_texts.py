"""What others name: long names, names without a space, and names that run from right to left, on a phone and a desk."""

import pytest

from tests.support.journeys.product import DEMO_KEY

LONG = "x" * 100
URL = f"https://example.com/{'long/' * 390}"
HEBREW = "\u05ea\u05d6\u05db\u05d5\u05e8\u05ea 4711"
JOB = {"method": "post", "url": URL, "name": LONG, "description": LONG * 2, "labels": ["l" * 50]}
LATER = {"schedule_in": [1, "hours"]}


def call(reader, method, path, body):
    """One request of a program; what it answers."""
    headers = {"Authorization": f"Bearer {DEMO_KEY}"}
    answer = reader.page.request.fetch(f"{reader.base}{path}", method=method, headers=headers, data=body)
    assert answer.ok, answer.text()
    return answer.json()["data"]


def long_pages(reader):
    """The pages of things whose names are as long as they may be."""
    call(reader, "PUT", f"/api/calendars/{LONG}", {"days": ["2096-12-24"]})
    call(reader, "PUT", f"/api/groups/{LONG}", {"targets": [{"name": "t" * 50, "url": URL}]})
    job = call(
        reader, "POST", "/api/jobs", {**JOB, **LATER, "flow": {"key": LONG, "rate": 1, "per": "1h"}, "lane": LONG}
    )
    schedule = call(reader, "POST", "/api/jobs", {**JOB, "cron": "0 9 * * *"})["schedule_id"]
    call(reader, "POST", f"/api/lanes/{LONG}/pause", {"reason": "r" * 200})
    call(reader, "POST", "/api/hosts/example.com/pause", {"reason": "r" * 200})
    things = [f"/jobs/{job['id']}", f"/schedules/{schedule}", f"/groups/{LONG}", f"/calendars/{LONG}"]
    return [
        *things,
        f"/flows/one?key={LONG}",
        "/jobs",
        "/schedules",
        "/flows",
        "/lanes",
        "/hosts",
        "/groups",
        "/logs",
        "/",
    ]


@pytest.mark.parametrize("width", [360, 1280])
def test_no_name_makes_a_page_wider_than_its_window(open_reader, width):
    reader = open_reader(viewport={"width": width, "height": 800})
    reader.sign_in()

    for path in long_pages(reader):
        reader.go(path)
        reader.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        assert reader.page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_name_from_right_to_left_leaves_its_row_in_order(reader):
    """The age of a message stood inside the name, because its number joined the name's direction."""
    call(reader, "POST", "/api/channels/demo", {"author": HEBREW, "content": HEBREW})
    reader.go("/channels")

    row = reader.page.locator(".messages li").first
    name, age = (row.locator(each).first.bounding_box() for each in ("b", "time"))

    assert age["x"] >= name["x"] + name["width"]
