"""The timeline: what its marks say, where they lead, and that it is the visitor's own."""

import re
from html import unescape
from itertools import pairwise

import pytest

from api.dashboard.timelines import spans, timeline_drawing, timeline_view
from api.dashboard.timelines.marks import DUE, Mark
from models.jobs.job_tables import JobLabel
from models.operations.timelines import active_jobs, coming_jobs, past_attempts
from models.rules import clock
from models.rules.clock import HOUR, MINUTE
from tests.support.attempt_rows import add_attempt, attempted_job, note
from tests.support.browsers import Markup, submit_schedule
from tests.support.rows import make_job, make_jobs

SVG = "<svg/onload=alert(1)>"


@pytest.fixture(autouse=True)
def early_log(monkeypatch):
    """Entries keep the instants of their attempts, though the tests write them long after."""
    monkeypatch.setattr("models.database.settling.SETTLE_US", 10 * clock.HOUR)


class Picture:
    """A timeline as its markup tells it: the classes, texts and links of its marks."""

    def __init__(self, browser, path="/timeline"):
        self.text = browser.get(path).text
        groups = re.findall(r'<g class="tl-dots.*?</g>', self.text, re.DOTALL)
        self.past, self.ahead = ([self.look(mark) for mark in self.marks(group)] for group in groups)
        self.links = [re.search('href="(/[^"]*)"', mark)[1] for group in groups for mark in self.marks(group)]
        self.places = [float(x) for x in re.findall(r'<(?:circle|use)[^>]* c?x="([\d.-]+)%" c?y', "".join(groups))]
        blocks = re.findall(r'<a href="([^"]*)" tabindex="-1">((?:<rect [^>]*>)+)', self.text)
        bars = [(link, kind) for link, rects in blocks for kind in re.findall(r"tl-bar-(\w+)", rects)]
        self.bars = [(unescape(link), kind) for link, kind in bars]
        self.totals = re.findall(r"<b>([^<]*)</b> (succeeded|failed|to come)", self.text)

    @staticmethod
    def marks(group):
        return re.findall("<a .*?</a>", group, re.DOTALL)

    @staticmethod
    def look(mark):
        return re.search(r'class="tl-([\w-]+)"', mark)[1]


def test_what_was_sent_stands_left_of_now_and_what_is_to_come_right_of_it(alice, moved_clock):
    done = attempted_job(alice.account, 1800)
    coming = make_job(alice.account, "scheduled", 1800)

    picture = Picture(alice)

    assert (picture.past, picture.ahead) == (["done"], ["due"])
    assert picture.links == [f"/jobs/{done.id}", f"/jobs/{coming.id}"]
    assert picture.places == [25.0, 75.0]
    assert picture.totals == [("1", "succeeded"), ("0", "failed"), ("1", "to come")]


def test_a_mark_looks_like_what_came_of_its_attempt(alice, moved_clock):
    job = attempted_job(alice.account, 400, "status_503", retried_in_s=-300, state="retryable")
    add_attempt(job, 300, "status_503", number=2, retried_in_s=900)
    attempted_job(alice.account, 200, "status_503")
    attempted_job(alice.account, 100, late_us=2 * MINUTE)
    make_job(alice.account, "executing", attempt=1, attempted_at=clock.now())
    make_job(alice.account, "available", -30)
    make_job(alice.account, "scheduled", -60)

    picture = Picture(alice)

    assert picture.past == ["again", "again", "failed", "slow"]
    assert sorted(picture.ahead) == ["overdue", "overdue", "overdue", "running"]


def test_the_same_mark_is_known_again_once_it_is_sent(alice, moved_clock):
    """A page that is refreshed fills what was hollow."""
    job = make_job(alice.account, "scheduled", 60)
    assert f'data-key="{job.id}.1"' in Picture(alice).text

    moved_clock.advance(seconds=60)
    job.state, job.attempt = "completed", 1
    job.save()
    add_attempt(job, 0)

    picture = Picture(alice)
    assert (picture.past, picture.ahead) == (["done"], [])
    assert f'data-key="{job.id}.1"' in picture.text


def test_another_accounts_attempts_jobs_and_instants_are_not_shown(alice, bob, moved_clock):
    attempted_job(bob.account, 60, name="secret")
    make_job(bob.account, "scheduled", 60)
    schedule = submit_schedule(bob, cron="* * * * *", name="secret")

    for path in ("/timeline", "/", f"/timeline?schedule={schedule.id}"):
        picture = Picture(alice, path)
        assert (picture.past, picture.ahead, picture.bars) == ([], [], []), path
        assert "secret" not in picture.text


def test_instants_of_a_schedule_stand_where_it_has_no_job_yet(alice, moved_clock):
    schedule = submit_schedule(alice, when="every", every="10", every_unit="minutes")

    picture = Picture(alice, f"/timeline?schedule={schedule.id}")

    assert picture.ahead.count("planned") in (4, 5)
    assert f"/schedules/{schedule.id}" in picture.links
    assert Picture(alice, "/timeline?host=example.com").ahead.count("planned") == 0


@pytest.mark.parametrize("scope", ["host=api.example.com", "label=vip"])
def test_a_timeline_of_a_part_shows_that_part(alice, moved_clock, scope):
    chosen = attempted_job(alice.account, 60, host="api.example.com")
    JobLabel.insert(
        account_id=alice.account.id, label="vip", inserted_at=chosen.inserted_at, job_id=chosen.id
    ).execute()
    attempted_job(alice.account, 60, host="other.example.com")

    assert Picture(alice, f"/timeline?{scope}").links == [f"/jobs/{chosen.id}"]
    assert Picture(alice).past == ["done", "done"]


def test_a_part_that_nothing_belongs_to_is_empty_and_says_so(alice, moved_clock):
    attempted_job(alice.account, 60, host="api.example.com")

    for scope in ("host=other.example.com", "label=none", "flow=none", "schedule=none"):
        picture = Picture(alice, f"/timeline?{scope}")
        assert (picture.past, picture.ahead) == ([], []), scope
        assert "Nothing was sent in the last 1 h" in picture.text


def test_a_scope_that_cant_be_is_refused_by_name(alice):
    answer = alice.get("/timeline?host=a/b")

    assert answer.status_code == 422
    assert "host must be a host such as api.example.com" in answer.text


def test_the_zoom_says_how_much_time_is_shown(alice, moved_clock):
    attempted_job(alice.account, 2 * 60 * 60)

    shown = {span.name: len(Picture(alice, f"/timeline?span={span.name}").past) for span in spans.SPANS}

    assert shown == {"5m": 0, "15m": 0, "1h": 0, "6h": 1, "24h": 1, "7d": 1}
    assert len(Picture(alice, "/timeline?span=<b>&height=<b>").past) == 0


def test_the_height_is_the_lateness_or_the_duration(alice, moved_clock):
    attempted_job(alice.account, 60, late_us=2 * 1000)
    attempted_job(alice.account, 120, late_us=2 * 1000 * 1000)

    def heights(name):
        text = Picture(alice, f"/?height={name}").text
        return [float(y) for y in re.findall(r'<circle class="tl-done" cx="[^"]*" cy="([^"]*)" r="3.5"', text)]

    late, long = heights("late"), heights("long")
    assert late[0] < late[1]
    assert long[0] == long[1]


def test_many_attempts_become_bars_that_count_all_of_them(alice, moved_clock, monkeypatch):
    monkeypatch.setattr(past_attempts, "WHOLE", 20)
    monkeypatch.setattr(timeline_view, "MARKS", 15)
    for number in range(30):
        attempted_job(alice.account, 60 + number * 60, None if number else "status_500")
        note(alice.account, 1 + number, 900, completed=100, failed=2)

    picture = Picture(alice)

    assert picture.totals[:2] == [("3,000", "succeeded"), ("60", "failed")]
    assert {kind for _, kind in picture.bars} == {"done", "failed"}
    assert 0 < len(picture.past) <= 15
    assert f"a sample of {len(picture.past)}" in picture.text


def test_few_attempts_have_no_bars(alice, moved_clock):
    attempted_job(alice.account, 60)

    assert Picture(alice).bars == []
    assert "a sample of" not in Picture(alice).text


def test_a_bar_leads_to_the_jobs_behind_it(alice, bob, moved_clock, monkeypatch):
    monkeypatch.setattr(timeline_view, "MARKS", 1)
    chosen = [attempted_job(alice.account, 590 + number) for number in range(2)]
    attempted_job(alice.account, 60)
    attempted_job(bob.account, 590)
    [target, *_] = [link for link, kind in Picture(alice).bars if kind == "done"]

    shown = jobs_of(alice, target)

    assert shown == {job.uuid for job in chosen}


def test_a_dense_timeline_has_as_many_marks_as_it_may_however_few_succeeded(alice, moved_clock, monkeypatch):
    """Half of the room was kept for successes, and stayed empty where there were fewer of them."""
    monkeypatch.setattr(timeline_view, "MARKS", 10)
    for number in range(30):
        attempted_job(alice.account, 60 + number * 60, None if number < 3 else "status_500")

    picture = Picture(alice)

    assert (picture.past.count("done"), picture.past.count("failed")) == (3, 7)
    assert "a sample of 10" in picture.text


def test_failures_leave_half_of_the_marks_to_many_successes(alice, moved_clock, monkeypatch):
    monkeypatch.setattr(timeline_view, "MARKS", 10)
    for number in range(30):
        attempted_job(alice.account, 60 + number * 60, None if number < 15 else "status_500")

    assert sorted(Picture(alice).past) == ["done"] * 5 + ["failed"] * 5


@pytest.mark.parametrize("state", ["available", "executing", "scheduled", "retryable"])
def test_what_is_older_than_the_picture_has_one_sign_at_its_edge_that_leads_to_it(alice, moved_clock, state):
    older = make_job(alice.account, state, -74 * 3600, attempted_at=clock.now() - 74 * HOUR)
    make_job(alice.account, "scheduled", 60)

    picture = Picture(alice)

    assert len(picture.ahead) == 1
    assert sign(picture)[0] == "1 due earlier"
    assert jobs_of(alice, sign(picture)[1]) == {older.uuid}


@pytest.mark.parametrize("scope", ["host=a.example", "label=vip", "flow=shop", "schedule=daily"])
def test_the_sign_of_a_part_leads_to_that_part(alice, moved_clock, scope):
    older = make_job(alice.account, "available", -74 * 3600, host="a.example")
    make_job(alice.account, "available", -75 * 3600, host="b.example")

    picture = Picture(alice, f"/timeline?{scope}")

    if scope == "host=a.example":
        assert jobs_of(alice, sign(picture)[1]) == {older.uuid}
    else:
        assert sign(picture) is None


def test_a_backlog_that_is_older_than_the_picture_is_a_number_and_covers_nothing(alice, moved_clock):
    """Two hundred arrows filled the left of the picture like a bar, and read as work of that time."""
    make_jobs(alice.account, [-74 * 3600] * 112)
    make_jobs(alice.account, [-80 * 3600] * 100, "scheduled")

    picture = Picture(alice)

    assert (picture.ahead, sign(picture)[0]) == ([], "212 due earlier")
    assert "Nothing here yet" not in picture.text
    assert "<span>212 due earlier, before the picture begins</span>" in picture.text


@pytest.mark.parametrize("state", ["scheduled", "available"])
def test_the_sign_says_where_more_are_due_earlier_than_were_read(alice, moved_clock, monkeypatch, state):
    monkeypatch.setattr(coming_jobs, "OVERDUE", 3)
    monkeypatch.setattr(coming_jobs, "RUNNING", 3)
    make_jobs(alice.account, [-74 * 3600] * 4, state)

    assert sign(Picture(alice))[0] == "3+ due earlier"


def test_a_backlog_before_the_picture_leaves_the_marks_of_what_is_due_in_it(alice, moved_clock, monkeypatch):
    monkeypatch.setattr(coming_jobs, "OVERDUE", 3)
    make_jobs(alice.account, [-74 * 3600] * 4, "scheduled")
    make_jobs(alice.account, [-60] * 2, "scheduled")

    assert Picture(alice).ahead == ["overdue", "overdue"]


def test_what_lies_in_the_picture_is_not_said_to_be_older(alice, moved_clock):
    make_job(alice.account, "available", -3600)

    picture = Picture(alice)

    assert picture.places == [0.0]
    assert sign(picture) is None


@pytest.mark.parametrize("state", ["available", "executing", "scheduled"])
def test_more_jobs_due_or_under_way_than_have_a_mark_are_told(alice, moved_clock, monkeypatch, state):
    monkeypatch.setattr(coming_jobs, "RUNNING", 3)
    monkeypatch.setattr(coming_jobs, "OVERDUE", 3)
    sentence = "some jobs that are due or under way may have no mark"
    for _ in range(3):
        make_job(alice.account, state, -60, attempted_at=clock.now())
    assert sentence not in Picture(alice).text

    make_job(alice.account, state, -60, attempted_at=clock.now())

    assert sentence in Picture(alice).text


@pytest.mark.parametrize(("jobs", "total"), [(3, "3"), (4, "3+")])
def test_a_part_with_more_jobs_to_come_than_have_a_mark_says_so(alice, moved_clock, monkeypatch, jobs, total):
    monkeypatch.setattr(coming_jobs, "SHOWN", 3)
    for number in range(jobs):
        make_job(alice.account, "scheduled", 60 + number, host="a.example")

    picture = Picture(alice, "/timeline?host=a.example")
    assert picture.totals[2] == (total, "to come")
    assert ("more may be to come than were counted" in picture.text) == total.endswith("+")


def test_a_host_behind_many_jobs_of_another_is_not_said_to_have_none(alice, moved_clock, monkeypatch):
    monkeypatch.setattr(coming_jobs, "LOOKED_AT", 5)
    monkeypatch.setattr(coming_jobs, "RUNNING", 3)
    newer = {"inserted_at": clock.now() + 1, "attempted_at": clock.now()}
    make_jobs(alice.account, [60] * 6, "scheduled", host="a.example")
    make_jobs(alice.account, [120] * 7, "scheduled", host="b.example")
    for state in ("executing", "available"):
        make_jobs(alice.account, [0] * 3, state, host="b.example", attempted_at=clock.now())
        make_jobs(alice.account, [0] * 3, state, host="a.example", **newer)

    picture = Picture(alice, "/timeline?host=b.example")

    assert picture.totals[2] == ("0+", "to come")
    assert "more may be to come than were counted" in picture.text
    assert "some jobs that are due or under way may have no mark" in picture.text


def test_a_stretch_ahead_lists_what_is_due_in_it(alice, moved_clock):
    chosen = make_job(alice.account, "scheduled", 90)
    make_job(alice.account, "scheduled", 400)
    make_job(alice.account, "completed", 90)
    first, last = (clock.now() + seconds * clock.SECOND for seconds in (60, 120))

    assert jobs_of(alice, f"/jobs?active_after={first / 1e6}&active_before={last / 1e6}") == {chosen.uuid}


@pytest.mark.parametrize("more", ["", "&due=overdue"])
def test_a_stretch_lists_what_was_due_at_once_and_waits(alice, moved_clock, more):
    chosen = {make_job(alice.account, state, -90).uuid for state in ("available", "scheduled", "retryable")}
    for due_in_s in (-400, -30):
        make_job(alice.account, "available", due_in_s)
    first, last = (clock.now() - seconds * clock.SECOND for seconds in (120, 60))

    assert jobs_of(alice, f"/jobs?active_after={first / 1e6}&active_before={last / 1e6}{more}") == chosen


def test_a_stretch_with_more_jobs_due_at_once_than_a_page_looks_at_says_so(alice, moved_clock, monkeypatch):
    monkeypatch.setattr(active_jobs, "DUE", 2)
    for _ in range(2):
        make_job(alice.account, "available")
    assert "These are some of the jobs of this time." in alice.get("/jobs?due=overdue&active_after=1").text
    monkeypatch.setattr(active_jobs, "DUE", 3)
    assert "These are some of the jobs of this time." not in alice.get("/jobs?due=overdue&active_after=1").text


def test_a_stretch_may_be_open_at_either_end(alice, moved_clock):
    soon, later = (make_job(alice.account, "scheduled", seconds) for seconds in (90, 400))
    between = (clock.now() + 120 * clock.SECOND) / 1e6

    assert jobs_of(alice, f"/jobs?active_after={between}") == {later.uuid}
    assert jobs_of(alice, f"/jobs?active_before={between}") == {soon.uuid}


def test_a_stretch_that_is_no_time_is_refused(alice):
    answer = alice.get("/jobs?active_after=soon")

    assert answer.status_code == 422
    assert "attempted or due from must be" in answer.text


def test_a_stretch_with_more_jobs_than_a_page_looks_at_says_so(alice, moved_clock, monkeypatch):
    monkeypatch.setattr(past_attempts, "WHOLE", 2)
    attempted_job(alice.account, 60)
    attempted_job(alice.account, 61)
    now = clock.now()

    page = alice.get(f"/jobs?active_after={(now - HOUR) / 1e6}&active_before={now / 1e6}").text

    assert "These are some of the jobs of this time." in page
    assert "These are some of the jobs of this time." not in alice.get("/jobs").text


def test_a_hostile_name_is_text_on_the_timeline(alice, moved_clock):
    attempted_job(alice.account, 60, "status_500", name=f'{SVG}"{SVG}', host=SVG)
    make_job(alice.account, "scheduled", 60, name=SVG)
    submit_schedule(alice, name=SVG)

    for path in ("/timeline", f"/timeline?label={SVG}"):
        answer = alice.get(path)
        assert SVG not in answer.text
        assert not [tag for tag, attributes in Markup(answer.text).tags if "onload" in attributes]
    assert "&lt;svg" in alice.get("/timeline").text


def test_the_table_says_the_same_without_the_picture(alice, moved_clock):
    attempted_job(alice.account, 60)
    attempted_job(alice.account, 61, "status_500")
    make_job(alice.account, "scheduled", 1800)

    rows = re.findall(r'<td class="right">([^<]*)</td>', alice.get("/timeline").text)

    assert rows == ["1", "1", "–", "0", "0", "1"]


def test_ten_thousand_jobs_to_come_fit_into_200_kilobytes(alice, moved_clock, monkeypatch):
    """The marks are bounded whatever comes: here by limits a tenth of the real ones, with ten times as many jobs."""
    monkeypatch.setattr(coming_jobs, "SHOWN", 40)
    monkeypatch.setattr(timeline_view, "MARKS", 50)
    for number in range(100):
        make_job(alice.account, "scheduled", 30 + number * 35, name="n" * 255)
        attempted_job(alice.account, 30 + number * 30, name="n" * 255)

    assert len(Picture(alice).past) == 50
    assert len(Picture(alice).ahead) <= coming_jobs.SLICES
    assert len(alice.get("/timeline").data) < 200_000


def sign(picture):
    """What the sign at the left edge says, and the page that it leads to; None if there is none."""
    drawn = re.search(r'<a class="tl-earlier" href="([^"]*)"[^>]*>.*?<text [^>]*>([^<]*)</text>', picture.text)
    return drawn and (drawn[2], unescape(drawn[1]))


def jobs_of(browser, path):
    links = [attributes.get("href", "") for tag, attributes in Markup(browser.get(path).text).tags if tag == "a"]
    return {link.removeprefix("/jobs/") for link in links if link.startswith("/jobs/0")}


def stack_of(count):
    """The heights of so many jobs that are due at the same instant."""
    due = [Mark(clock.now(), DUE, "", None, f"{number}.1", number) for number in range(count)]
    return [dot.y for dot in timeline_drawing.dots(due, clock.SECOND, clock.now(), HOUR)]


@pytest.mark.parametrize("count", [1, 20, 21, 60, 400])
def test_no_mark_of_a_stack_hides_another(moved_clock, count):
    heights = stack_of(count)
    assert heights == sorted(set(heights), reverse=True)
    assert min(heights) >= stack_of(20)[-1] > timeline_drawing.TOP


def test_marks_of_a_stack_that_has_room_do_not_touch(moved_clock):
    assert {below - above for below, above in pairwise(stack_of(20))} == {timeline_drawing.LEVEL}
