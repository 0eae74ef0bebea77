"""The pages of actions on all jobs of a filter: the question, the operation that comes of it, the list."""

import pytest

from models.jobs.job_tables import Job
from models.operations import bulk, operation_store
from tests.support.browsers import Markup
from tests.support.operations import turn_of, work_off
from tests.support.rows import make_failed_job, make_job, reread


class Form:
    """The form on the page that asks whether to act on all jobs of a filter."""

    def __init__(self, page):
        assert page.status_code == 200, page.text
        tags = Markup(page.text[page.text.index('id="bulk"') :]).tags
        self.text = page.text
        self.fields = {
            attributes["name"]: attributes["value"] for tag, attributes in tags if attributes.get("type") == "hidden"
        }
        self.is_there = any(attributes.get("method") == "post" for tag, attributes in tags if tag == "form")


def question(browser, **query):
    return Form(browser.get("/jobs/bulk", query_string=query))


def answer(browser, form):
    """The operation that the form makes, and its address."""
    response = browser.client.post("/jobs/bulk", data=form.fields)
    assert response.status_code == 303, response.text
    return operation_store.find(browser.account.id, response.location.rpartition("/")[2]), response.location


def done_by(browser, form):
    """The text of the operation's page when it has ended."""
    operation, path = answer(browser, form)
    work_off(operation)
    return browser.get(path).text


def states():
    return sorted(job.state for job in Job.select())


def bar_of(page):
    return next((attributes for tag, attributes in Markup(page.text).tags if tag == "progress"), None)


def test_all_that_match_and_have_not_ended_are_cancelled(alice, bob, moved_clock):
    mine = [make_job(alice.account, state, 60) for state in ("scheduled", "available", "retryable", "executing") * 2]
    kept = [make_job(alice.account, state) for state in ("completed", "discarded")]
    other = make_job(bob.account, "scheduled", 60)
    form = question(alice, action="cancel")
    assert "8 jobs match and have not ended" in form.text
    assert [reread(job).state for job in mine] == ["scheduled", "available", "retryable", "executing"] * 2

    assert "<b>8</b> cancelled" in done_by(alice, form)

    assert {reread(job).state for job in mine} == {"cancelled"}
    assert [reread(job).state for job in (*kept, other)] == ["completed", "discarded", "scheduled"]


def test_the_bar_is_that_of_the_operation_and_says_what_is_to_go(alice, moved_clock):
    for _ in range(5):
        make_job(alice.account, "scheduled", 60)
    operation, path = answer(alice, question(alice, action="cancel", state="scheduled"))
    pages = []
    for _ in range(3):
        turn_of(operation)
        pages.append(alice.get(path))

    assert [(bar["value"], bar["max"]) for bar in map(bar_of, pages[:-1])] == [("2", "5"), ("4", "5")]
    assert "3 to go" in pages[0].text
    assert 'data-refresh="1"' in pages[0].text
    assert bar_of(pages[-1]) is None
    assert "data-refresh" not in pages[-1].text


@pytest.mark.parametrize("filters", [{"state": "discarded"}, {"text": "hook"}, {"host": "a.example"}, {}])
def test_what_matches_is_run_again_once_and_not_what_comes_of_it(alice, moved_clock, filters):
    for _ in range(5):
        make_job(alice.account, "discarded", host="a.example", args='{"url":"https://a.example/hook"}')
    assert "<b>5</b> run again" in done_by(alice, question(alice, action="retry", **filters))
    assert states() == ["available"] * 5 + ["discarded"] * 5


def test_a_form_that_is_sent_twice_makes_one_operation(alice, moved_clock):
    for _ in range(3):
        make_job(alice.account, "discarded")
    form = question(alice, action="retry")
    operations = {answer(alice, form)[1], answer(alice, form)[1]}
    done_by(alice, form)
    assert len(operations) == 1
    assert states().count("available") == 3

    done_by(alice, question(alice, action="retry", state="discarded"))  # asked for anew
    assert states().count("available") == 6


def test_what_is_ordered_after_the_question_is_left_alone(alice, moved_clock):
    old = [make_job(alice.account, "scheduled", 60) for _ in range(3)]
    form = question(alice, action="cancel")
    new = make_job(alice.account, "scheduled", 60)

    done_by(alice, form)

    assert {reread(job).state for job in old} == {"cancelled"}
    assert reread(new).state == "scheduled"


def test_an_operation_can_be_stopped(alice, moved_clock):
    for _ in range(3):
        make_job(alice.account, "scheduled", 60)
    operation, path = answer(alice, question(alice, action="cancel"))
    turn_of(operation)

    response = alice.send(f"{path}/cancel")

    assert (response.status_code, response.location) == (303, path)
    assert "Stopped: <b>2</b> cancelled" in alice.get(path).text
    assert states() == ["cancelled", "cancelled", "scheduled"]


def test_operations_are_listed_with_their_bars(alice, bob, moved_clock):
    for _ in range(3):
        make_job(alice.account, "scheduled", 60)
    operation, path = answer(alice, question(alice, action="cancel"))
    turn_of(operation)
    page = alice.get("/operations")
    assert (bar_of(page)["value"], bar_of(page)["max"]) == ("2", "3")
    assert path in [attributes.get("href") for _, attributes in Markup(page.text).tags]
    assert "No operations yet" in bob.get("/operations").text


def test_another_account_s_operation_is_not_found(alice, bob):
    make_job(alice.account, "scheduled", 60)
    form = question(alice, action="cancel")
    operation, path = answer(alice, form)
    assert bob.get(path).status_code == bob.send(f"{path}/cancel").status_code == 404
    assert operation_store.find(alice.account.id, operation.uuid).state == "running"
    assert bob.send("/jobs/bulk", action="cancel", once=operation.uuid).status_code == 404
    assert alice.get("/operations/x").status_code == 404


def test_too_many_running_operations_are_refused(alice, monkeypatch):
    monkeypatch.setattr(operation_store, "MAX_RUNNING", 1)
    make_job(alice.account, "scheduled", 60)
    answer(alice, question(alice, action="cancel"))
    form = question(alice, action="cancel")
    assert alice.client.post("/jobs/bulk", data=form.fields).status_code == 409


def test_a_whole_group_of_failures_is_run_again(alice, bob, moved_clock, monkeypatch):
    monkeypatch.setattr("models.operations.failures.EXAMPLES", 2)
    for host, reason in (("a.example", "status_500"), ("a.example", "timeout"), ("", "status_500")):
        for _ in range(3):
            make_failed_job(alice.account, host, reason)
    for reason in (None, ""):
        make_failed_job(alice.account, "b.example", reason)
    make_failed_job(alice.account, "a.example", "status_500", "retryable")
    make_failed_job(bob.account, "a.example", "status_500")
    links = [g["href"] for t, g in Markup(alice.get("/failures").text).tags if t == "a" and "/bulk" in g["href"]]
    assert len(links) == 3

    for link in links:
        form = Form(alice.get(link))
        assert 'href="/failures?after=' in form.text
        assert "<b>3</b> run again" in done_by(alice, form)
    made = [(job.account_id, job.host) for job in Job.select().where(Job.state == "available")]
    assert sorted(made) == sorted([(alice.account.id, "")] * 3 + [(alice.account.id, "a.example")] * 6)

    unknown = question(alice, action="retry", state="discarded", host="b.example", reason="unknown", group="1")
    assert "2 jobs" in unknown.text


def test_a_count_that_ended_at_its_limit_says_so(alice, moved_clock, monkeypatch):
    monkeypatch.setattr(bulk, "COUNTED", 3)
    for _ in range(6):
        make_job(alice.account, "scheduled", 60)
    form = question(alice, action="cancel")
    assert "More than 3 jobs" in form.text

    operation, path = answer(alice, form)
    moved_clock.advance(seconds=1)
    turn_of(operation)
    page = alice.get(path)
    assert (bar_of(page)["value"], bar_of(page)["max"]) == ("2", "5")
    assert "more than 3 to go" in page.text


def test_a_count_that_does_not_know_says_so(alice, moved_clock, monkeypatch):
    monkeypatch.setattr(bulk, "LOOKED_AT", 2)
    for _ in range(5):
        make_job(alice.account, "scheduled", 60)
    make_job(alice.account, "scheduled", 60, name="needle")
    form = question(alice, action="cancel", text="needle")
    assert "An unknown number of jobs match" in form.text

    operation, path = answer(alice, form)
    page = alice.get(path)
    assert "value" not in bar_of(page)
    assert "an unknown number to go" in page.text
    work_off(operation, 1)
    assert "<b>1</b> cancelled" in alice.get(path).text


def test_where_nothing_matches_there_is_nothing_to_do(alice):
    make_job(alice.account, "completed")
    form = question(alice, action="cancel")
    assert "No job that has not ended matches." in form.text
    assert not form.is_there


@pytest.mark.parametrize(
    "query",
    [
        *("", "action=delete", "action=retry&kind=event", "action=cancel&state=done", "action=cancel&host=a/b"),
        *("action=retry&reason=a%00b", "action=retry&reason=" + "x" * 301),
        *("action=retry&group=1&reason=a%00b", "action=retry&group=1&reason=" + "x" * 301),
    ],
)
def test_what_cant_be_meant_is_said_and_nothing_is_done(alice, query):
    job = make_job(alice.account, "scheduled", 60)
    assert alice.get(f"/jobs/bulk?{query}").status_code == 422
    fields = dict(part.split("=") for part in query.split("&") if part)
    assert alice.send("/jobs/bulk", **fields).status_code in (303, 422)
    assert reread(job).state == "scheduled"


@pytest.mark.parametrize("numbers", [{"until": "x"}, {"until": "9" * 18}, {"until": "-1"}, {"once": "x"}])
def test_numbers_that_were_made_up_reach_no_other_jobs(alice, bob, numbers):
    job = make_job(bob.account, "scheduled", 60)
    response = alice.send("/jobs/bulk", action="cancel", **numbers)
    assert response.status_code == 303
    work_off(operation_store.find(alice.account.id, response.location.rpartition("/")[2]))
    assert reread(job).state == "scheduled"


def test_the_list_leads_there_when_there_is_more_than_its_page(alice, moved_clock, monkeypatch):
    monkeypatch.setattr("api.dashboard.pages.jobs.SHOWN", 2)
    for _ in range(3):
        make_job(alice.account, "discarded")
    links = [attributes.get("href") for _, attributes in Markup(alice.get("/jobs?state=discarded").text).tags]
    assert "/jobs/bulk?action=retry&state=discarded" in links
    assert not [link for link in links if link and "action=cancel" in link]  # they have ended
    assert "/jobs/bulk" not in alice.get("/jobs?state=completed").text


@pytest.mark.parametrize(
    ("filters", "cancelled"),
    [
        ({"before": "2026-01-01T09:01:00Z"}, ["old"]),
        ({"after": "2026-01-01T09:01:00Z"}, ["young"]),
        ({"before": "2026-01-01T09:01:00Z", "after": "2026-01-01T09:00:00Z"}, ["old"]),
        ({"host": "b.example"}, ["young"]),
        ({"text": "old"}, ["old"]),
        ({"kind": "event"}, ["event"]),
        ({"name": "you*"}, ["young"]),
    ],
)
def test_jobs_that_the_filter_leaves_out_are_left_alone(alice, moved_clock, filters, cancelled):
    make_job(alice.account, "scheduled", 3600, name="old", host="a.example")
    moved_clock.advance(minutes=1)
    make_job(alice.account, "scheduled", 3600, name="young", host="b.example")
    make_job(alice.account, "scheduled", 3600, name="event", host="a.example", kind="event")
    moved_clock.advance(minutes=1)

    done_by(alice, question(alice, action="cancel", **filters))

    assert [job.name for job in Job.select().where(Job.state == "cancelled").order_by(Job.id)] == cancelled
