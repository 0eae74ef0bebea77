"""What is done to all jobs of a filter, chunk after chunk: which jobs, how far it is, and never twice."""

import pytest

from models.jobs.job_tables import Job
from models.operations import bulk
from models.rules import clock
from tests.support.browsers import Markup
from tests.support.rows import make_failed_job, make_job, reread


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(bulk, "CHUNK", 2)


class Form:
    """The form on the page of a bulk action, with its fields, and what the page tells."""

    def __init__(self, page):
        assert page.status_code == 200, page.text
        tags = Markup(page.text[page.text.index('id="bulk"') :]).tags
        self.text = page.text
        self.fields = {
            attributes["name"]: attributes["value"] for tag, attributes in tags if attributes.get("type") == "hidden"
        }
        self.has_more = any("data-chunks" in attributes for _, attributes in tags)
        self.bar = next((attributes for tag, attributes in tags if tag == "progress"), None)


def question(browser, **query):
    return Form(browser.get("/jobs/bulk", query_string=query))


def next_chunk(browser, form):
    answer = browser.client.post("/jobs/bulk", data=form.fields)
    assert answer.status_code == 303, answer.text
    return Form(browser.get(answer.location))


def to_the_end(browser, form):
    pages = []
    while form.has_more:
        form = next_chunk(browser, form)
        pages.append(form)
        assert len(pages) < 50
    return pages


def states():
    return sorted(job.state for job in Job.select())


def test_all_that_match_and_have_not_ended_are_cancelled_beyond_one_page(alice, bob, moved_clock):
    mine = [make_job(alice.account, state, 60) for state in ("scheduled", "available", "retryable", "executing") * 2]
    kept = [make_job(alice.account, state) for state in ("completed", "discarded")]
    other = make_job(bob.account, "scheduled", 60)
    moved_clock.advance(seconds=1)
    form = question(alice, action="cancel")
    assert "8 jobs match and have not ended" in form.text
    assert [reread(job).state for job in mine] == ["scheduled", "available", "retryable", "executing"] * 2

    *_, last = to_the_end(alice, form)
    assert "<b>8</b> cancelled" in last.text
    assert {reread(job).state for job in mine} == {"cancelled"}
    assert [reread(job).state for job in (*kept, other)] == ["completed", "discarded", "scheduled"]


def test_the_bar_grows_with_each_chunk_and_says_what_is_to_go(alice, moved_clock):
    for _ in range(5):
        make_job(alice.account, "scheduled", 60)
    moved_clock.advance(seconds=1)
    pages = to_the_end(alice, question(alice, action="cancel", state="scheduled"))
    assert [(page.bar["value"], page.bar["max"]) for page in pages[:-1]] == [("2", "5"), ("4", "5")]
    assert "3 to go" in pages[0].text
    assert pages[-1].bar is None


@pytest.mark.parametrize("filters", [{"state": "discarded"}, {"text": "hook"}, {"host": "a.example"}, {}])
def test_what_matches_is_ordered_again_once_and_not_what_comes_of_it(alice, moved_clock, filters):
    for _ in range(5):
        make_job(alice.account, "discarded", host="a.example", args='{"url":"https://a.example/hook"}')
    moved_clock.advance(seconds=1)
    *_, last = to_the_end(alice, question(alice, action="again", **filters))
    assert "<b>5</b> run again" in last.text
    assert states() == ["available"] * 5 + ["discarded"] * 5


def test_a_chunk_that_is_sent_twice_orders_nothing_twice(alice, moved_clock):
    for _ in range(3):
        make_job(alice.account, "discarded")
    moved_clock.advance(seconds=1)
    form = question(alice, action="again")
    next_chunk(alice, form)
    second = next_chunk(alice, form)  # the answer to the first did not come
    assert states().count("available") == 2
    assert "<b>2</b> skipped: deleted, or run again already" in second.text
    to_the_end(alice, second)
    assert states().count("available") == 3

    to_the_end(alice, question(alice, action="again", state="discarded"))  # asked for anew
    assert states().count("available") == 6


def test_what_is_ordered_while_it_goes_on_is_left_alone(alice, moved_clock):
    old = [make_job(alice.account, "scheduled", 60) for _ in range(3)]
    moved_clock.advance(seconds=1)
    form = next_chunk(alice, question(alice, action="cancel"))
    moved_clock.advance(seconds=1)
    new = make_job(alice.account, "scheduled", 60)
    to_the_end(alice, form)
    assert {reread(job).state for job in old} == {"cancelled"}
    assert reread(new).state == "scheduled"


def test_what_an_attempt_gives_back_behind_the_place_is_cancelled_too(alice, moved_clock):
    for _ in range(3):
        make_job(alice.account, "retryable", 60)
    running = make_job(alice.account, "executing")  # the newest: its place in the list of retries is passed at once
    moved_clock.advance(seconds=1)
    form = next_chunk(alice, question(alice, action="cancel"))
    Job.update(state="retryable").where(Job.id == running.id).execute()

    *_, last = to_the_end(alice, form)

    assert "<b>4</b> cancelled" in last.text
    assert reread(running).state == "cancelled"


def test_of_one_state_nothing_is_cancelled_that_came_to_it_meanwhile(alice, moved_clock):
    for _ in range(3):
        make_job(alice.account, "retryable", 60)
    running = make_job(alice.account, "executing")
    moved_clock.advance(seconds=1)
    form = next_chunk(alice, question(alice, action="cancel", state="retryable"))
    Job.update(state="retryable").where(Job.id == running.id).execute()

    *_, last = to_the_end(alice, form)

    assert "<b>3</b> cancelled" in last.text
    assert reread(running).state == "retryable"


def test_what_ended_before_its_turn_is_told(alice, moved_clock, monkeypatch):
    jobs = [make_job(alice.account, "scheduled", 60) for _ in range(2)]
    moved_clock.advance(seconds=1)
    form, act = question(alice, action="cancel"), bulk._act

    def late(*arguments):
        Job.update(state="completed", completed_at=clock.now()).where(Job.id == jobs[0].id).execute()
        return act(*arguments)

    monkeypatch.setattr(bulk, "_act", late)

    *_, last = to_the_end(alice, form)
    assert "<b>1</b> cancelled, <b>1</b> ended before they could be cancelled" in last.text


def test_a_whole_group_of_failures_is_ordered_again(alice, bob, moved_clock, monkeypatch):
    monkeypatch.setattr("models.operations.failures.EXAMPLES", 2)
    for host, reason in (("a.example", "status_500"), ("a.example", "timeout"), ("", "status_500")):
        for _ in range(3):
            make_failed_job(alice.account, host, reason)
    for reason in (None, ""):
        make_failed_job(alice.account, "b.example", reason)
    make_failed_job(alice.account, "a.example", "status_500", "retryable")
    make_failed_job(bob.account, "a.example", "status_500")
    moved_clock.advance(seconds=1)
    links = [g["href"] for t, g in Markup(alice.get("/failures").text).tags if t == "a" and "/bulk" in g["href"]]
    assert len(links) == 3

    for link in links:
        *_, last = to_the_end(alice, Form(alice.get(link)))
        assert "<b>3</b> run again" in last.text
        assert 'href="/failures"' in last.text
    made = [(job.account_id, job.host) for job in Job.select().where(Job.state == "available")]
    assert sorted(made) == sorted([(alice.account.id, "")] * 3 + [(alice.account.id, "a.example")] * 6)

    unknown = question(alice, action="again", state="discarded", host="b.example", reason="unknown")
    assert "2 jobs" in unknown.text


def test_a_count_that_ended_at_its_limit_says_so(alice, moved_clock, monkeypatch):
    monkeypatch.setattr(bulk, "COUNTED", 3)
    for _ in range(6):
        make_job(alice.account, "scheduled", 60)
    moved_clock.advance(seconds=1)
    form = question(alice, action="cancel")
    assert "More than 3 jobs" in form.text

    form = next_chunk(alice, form)
    assert (form.bar["value"], form.bar["max"]) == ("2", "5")

    *_, last = to_the_end(alice, form)
    assert "<b>6</b> cancelled" in last.text


def test_a_search_that_finds_nothing_in_its_first_rows_goes_on(alice, moved_clock, monkeypatch):
    monkeypatch.setattr(bulk, "LOOKED_AT", 2)
    wanted = make_job(alice.account, "scheduled", 60, name="needle")
    for _ in range(5):
        moved_clock.advance(seconds=1)
        make_job(alice.account, "scheduled", 60)
    moved_clock.advance(seconds=1)

    pages = to_the_end(alice, question(alice, action="cancel", state="scheduled", text="needle"))

    assert "value" not in pages[0].bar
    assert "an unknown number to go" in pages[0].text
    assert "<b>1</b> cancelled" in pages[-1].text
    assert reread(wanted).state == "cancelled"
    assert states().count("scheduled") == 5


def test_a_count_looks_at_few_jobs_however_many_lists_there_are(alice, moved_clock, monkeypatch):
    monkeypatch.setattr(bulk, "LOOKED_AT", 8)
    for _ in range(6):
        make_job(alice.account, "scheduled", 60)
    moved_clock.advance(seconds=1)
    form = question(alice, action="cancel", text="nothing-like-it")
    assert "An unknown number of jobs" in form.text
    assert "<b>0</b> cancelled" in to_the_end(alice, form)[-1].text


def test_where_nothing_matches_there_is_nothing_to_do(alice):
    make_job(alice.account, "completed")
    form = question(alice, action="cancel")
    assert "No job that has not ended matches." in form.text
    assert not form.has_more


@pytest.mark.parametrize(
    "query",
    [
        *("", "action=delete", "action=again&kind=event", "action=cancel&state=done", "action=cancel&host=a/b"),
        *("action=cancel&cursor=x", "action=again&reason=a%00b", "action=again&reason=" + "x" * 301),
    ],
)
def test_what_cant_be_meant_is_told_and_nothing_is_done(alice, query):
    job = make_job(alice.account, "scheduled", 60)
    answer = alice.get(f"/jobs/bulk?{query}")
    assert answer.status_code == 422
    fields = dict(part.split("=") for part in query.split("&") if part)
    assert alice.send("/jobs/bulk", **fields).status_code in (303, 422)
    assert (reread(job).state, Job.select().count()) == ("scheduled", 1)


@pytest.mark.parametrize("numbers", [{"turn": "99"}, {"turn": "x"}, {"until": "x"}, {"until": "9" * 18, "turn": "0"}])
def test_numbers_that_were_made_up_reach_no_other_jobs(alice, bob, numbers):
    job = make_job(bob.account, "scheduled", 60)
    assert alice.send("/jobs/bulk", action="cancel", done="-1", missed="x", **numbers).status_code == 303
    assert reread(job).state == "scheduled"


def test_the_list_leads_there_when_there_is_more_than_its_page(alice, moved_clock, monkeypatch):
    monkeypatch.setattr("api.dashboard.pages.jobs.SHOWN", 2)
    for _ in range(3):
        make_job(alice.account, "discarded")
    links = [attributes.get("href") for _, attributes in Markup(alice.get("/jobs?state=discarded").text).tags]
    assert "/jobs/bulk?action=again&state=discarded" in links
    assert not [link for link in links if link and "action=cancel" in link]  # they have ended
    assert "/jobs/bulk" not in alice.get("/jobs?state=completed").text


def test_what_is_ordered_after_the_question_is_left_alone_though_the_filter_ends_later(alice, moved_clock):
    old = make_job(alice.account, "scheduled", 60)
    moved_clock.advance(seconds=1)
    form = question(alice, action="cancel", before="2030-01-01T00:00:00")
    moved_clock.advance(seconds=1)
    new = make_job(alice.account, "scheduled", 60)

    to_the_end(alice, form)

    assert [reread(job).state for job in (old, new)] == ["cancelled", "scheduled"]


@pytest.mark.parametrize(
    ("filters", "cancelled"),
    [
        ({"before": "2026-01-01T09:01:00Z"}, ["old"]),
        ({"after": "2026-01-01T09:01:00Z"}, ["young"]),
        ({"before": "2026-01-01T09:01:00Z", "after": "2026-01-01T09:00:00Z"}, ["old"]),
        ({"host": "b.example"}, ["young"]),
        ({"text": "old"}, ["old"]),
        ({"kind": "event"}, ["event"]),
    ],
)
def test_jobs_that_the_filter_leaves_out_are_left_alone(alice, moved_clock, filters, cancelled):
    make_job(alice.account, "scheduled", 3600, name="old", host="a.example")
    moved_clock.advance(minutes=1)
    make_job(alice.account, "scheduled", 3600, name="young", host="b.example")
    make_job(alice.account, "scheduled", 3600, name="event", host="a.example", kind="event")
    moved_clock.advance(minutes=1)

    to_the_end(alice, question(alice, action="cancel", **filters))

    assert [job.name for job in Job.select().where(Job.state == "cancelled").order_by(Job.id)] == cancelled
