"""The pages of schedules: made, shown with a strip, disabled, enabled, run, changed, deleted; and the preview."""

import json
import re

import pytest

from api import context
from api.dashboard.labels import RUN_RESULTS
from api.dashboard.pages import preview as preview_page
from models.accounts import account_store
from models.jobs import job_store
from models.jobs.job_store import NewJob
from models.jobs.job_tables import Job
from models.rules import clock
from models.rules.recurrence import Frequency, frequency_of
from models.rules.times import parse_instant
from models.schedules import firing_rows, planning, run_results
from models.schedules.backfills import backfill_turns
from models.schedules.backfills.backfill_tables import Backfill
from models.schedules.firing_rows import FiringRow
from models.schedules.schedule_tables import Schedule
from tests.support.browsers import Markup, submit_schedule
from tests.support.schedule_rows import make_schedule

URL = "https://example.com/hook"
SVG = "<svg/onload=alert(1)>"


def test_the_form_makes_a_schedule_and_its_first_job(alice, moved_clock):
    made = submit_schedule(alice, cron="30 2 * * *", timezone="Europe/Berlin", name="digest")
    assert json.loads(made.frequency) == {"cron": "30 2 * * *", "timezone": "Europe/Berlin"}
    job = Job.get(Job.schedule_id == made.id)
    assert job.scheduled_at == parse_instant("2026-01-02T01:30:00Z")
    assert f"/schedules/{made.id}" in alice.get(f"/jobs/{job.uuid}").text
    every = submit_schedule(alice, when="every", every="2.5", every_unit="minutes")
    assert json.loads(every.frequency) == {"repeat_every": [2.5, "minutes"]}


def test_a_schedule_without_a_name_is_called_by_its_key(alice, moved_clock):
    """It was its method and URL, or its frequency: whoever had made it as `nightly` did not find that in the list."""
    made = submit_schedule(alice)
    Schedule.update(key="nightly").where(Schedule.id == made.id).execute()
    job = Job.get(Job.schedule_id == made.id)

    assert re.search(rf'<a [^>]*href="/schedules/{made.id}">nightly</a>', alice.get("/schedules").text)
    assert "<h1><bdi>nightly</bdi></h1>" in alice.get(f"/schedules/{made.id}").text
    assert "<h1>Edit nightly</h1>" in alice.get(f"/schedules/{made.id}/edit").text
    assert f'of <a href="/schedules/{made.id}">nightly</a>' in alice.get(f"/jobs/{job.uuid}").text


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"cron": "nope"}, "five fields"),
        ({"cron": "0 0 30 2 *"}, "name a date that exists"),
        ({"timezone": "Europe/Berln"}, "did you mean Europe/Berlin"),
        ({"when": "every", "every": "0"}, "must be at least"),
        ({"when": "every", "every": "soon"}, "must be a number of seconds"),
    ],
)
def test_a_wrong_frequency_is_told_by_its_field(alice, fields, problem):
    answer = alice.send("/jobs/new", **{"method": "POST", "url": URL, "when": "cron", "cron": "0 9 * * *", **fields})
    assert answer.status_code == 422
    assert problem in answer.text
    assert 'id="when-problem"' in answer.text
    assert Schedule.select().count() == 0


def test_the_page_says_why_a_schedule_of_an_unknown_zone_is_not_enabled(alice, moved_clock):
    made = submit_schedule(alice)
    alice.send(f"/schedules/{made.id}/disable")
    Schedule.update(frequency='{"cron":"0 12 * * *","timezone":"Atlantis/Capital"}').execute()
    moved_clock.advance(days=2)

    answer = alice.send(f"/schedules/{made.id}/enable")

    assert answer.status_code == 409
    assert "be computed here" in answer.text
    assert Schedule.get().disabled_at is not None


def test_a_schedule_is_disabled_and_enabled(alice, moved_clock):
    made = submit_schedule(alice)
    alice.send(f"/schedules/{made.id}/disable")
    assert Schedule.get_by_id(made.id).disabled_at == clock.now()
    assert [job.state for job in Job.select()] == ["cancelled"]

    text = alice.get(f"/schedules/{made.id}").text
    assert ">Enable<" in text
    assert ">Disable<" not in text

    alice.send(f"/schedules/{made.id}/enable")
    assert Schedule.get_by_id(made.id).disabled_at is None
    assert ">Disable<" in alice.get(f"/schedules/{made.id}").text


def test_no_more_are_enabled_again_than_an_account_may_have(app, alice):
    made = submit_schedule(alice)
    alice.send(f"/schedules/{made.id}/disable")
    submit_schedule(alice)
    object.__setattr__(app.extensions[context.NAME].settings, "max_schedules", 1)

    answer = alice.send(f"/schedules/{made.id}/enable")

    assert answer.status_code == 422
    assert "at most 1 enabled" in answer.text
    assert Schedule.get_by_id(made.id).disabled_at is not None


def test_a_schedule_runs_now_besides_its_instants(alice, moved_clock):
    made = submit_schedule(alice)
    answer = alice.send(f"/schedules/{made.id}/fire")
    job = Job.get(Job.uuid == answer.location.split("/jobs/")[1].split("?")[0])
    assert (job.schedule_id, job.scheduled_at) == (made.id, clock.now())
    assert Job.select().count() == 2


@pytest.mark.parametrize("frequency", [{"at": "dawn"}, {"cron": "0 9 ? * *"}, {"repeat_every": {"moons": 1}}])
def test_a_frequency_that_a_newer_version_stored_is_shown_and_can_be_replaced(alice, moved_clock, frequency):
    made = submit_schedule(alice)
    Schedule.update(frequency=json.dumps(frequency)).execute()

    for path in ("/schedules", f"/schedules/{made.id}"):
        assert "At times that this version does not know" in alice.get(path).text
    assert alice.get(f"/schedules/{made.id}/edit").status_code == 200
    form = {"method": "POST", "url": URL, "when": "every", "every": "10", "every_unit": "minutes"}
    assert alice.send(f"/schedules/{made.id}/edit", **form).status_code == 303


def test_a_past_range_is_made_up_for_and_the_rest_of_it_cancelled(alice, moved_clock):
    made = submit_schedule(alice, cron="0 * * * *")
    past = {"from": "2026-01-01T06:00", "to": "2026-01-01T08:30:00"}
    assert alice.send(f"/schedules/{made.id}/backfill", **past).location.endswith("?note=backfill")
    backfill_turns.take_turns(clock.now(), 10)

    [backfill] = Backfill.select()
    page = alice.get(f"/schedules/{made.id}").text
    assert "1 of 3" in page
    assert alice.send(f"/backfills/{backfill.uuid}/cancel").status_code == 303
    assert f"/backfills/{backfill.uuid}/cancel" not in alice.get(f"/schedules/{made.id}").text


def test_the_instants_that_had_run_already_are_not_left_of_a_backfill(alice, moved_clock):
    made = submit_schedule(alice, cron="0 * * * *")
    alice.send(f"/schedules/{made.id}/backfill", **{"from": "2026-01-01T06:00", "to": "2026-01-01T08:30:00"})
    Backfill.update(made=1, looked_at=2).execute()

    page = alice.get(f"/schedules/{made.id}").text

    assert "1 of 3 (1 had run)" in page
    assert '<td>1<span class="narrow-only"> left</span>' in page


@pytest.mark.parametrize("past", [{"from": "2026-01-01T06:00"}, {"from": "2026-01-01T08:00", "to": "2026-01-01T06:00"}])
def test_a_wrong_range_is_not_made_up_for(alice, moved_clock, past):
    made = submit_schedule(alice, cron="0 * * * *")

    answer = alice.send(f"/schedules/{made.id}/backfill", **past)

    assert answer.status_code == 422
    assert "to must" in answer.text
    assert Backfill.select().count() == 0


def test_a_backfill_of_another_account_is_not_cancelled(alice, bob, moved_clock):
    made = submit_schedule(alice, cron="0 * * * *")
    alice.send(f"/schedules/{made.id}/backfill", **{"from": "2026-01-01T06:00", "to": "2026-01-01T08:00"})

    assert bob.send(f"/backfills/{Backfill.get().uuid}/cancel").status_code == 404
    assert Backfill.get().state == "running"


def test_a_change_keeps_what_the_schedule_remembers(alice, moved_clock):
    made = submit_schedule(alice, name="before", more='{"overlap": "allow"}')
    Schedule.update(state='{"seen": 3}').execute()
    form = {"method": "PUT", "url": f"{URL}/2", "when": "every", "every": "10", "every_unit": "minutes"}
    more = {"more": '{"overlap": "allow", "labels": ["x"]}', "name": "after"}
    assert alice.send(f"/schedules/{made.id}/edit", **form, **more).status_code == 303

    now = Schedule.get_by_id(made.id)
    assert (now.name, json.loads(now.frequency), now.overlap) == ("after", {"repeat_every": [10, "minutes"]}, "allow")
    assert json.loads(now.state) == {"seen": 3}

    text = alice.get(f"/schedules/{made.id}/edit").text
    values = [attributes.get("value") for tag, attributes in Markup(text).tags if tag == "input"]
    assert {"after", f"{URL}/2", "10"} <= set(values)
    assert alice.send(f"/schedules/{made.id}/edit", **form | {"every": "0"}).status_code == 422


def test_a_deleted_schedule_is_gone_and_its_jobs_page_is_not(alice):
    made = submit_schedule(alice)
    job = Job.get()
    assert alice.send(f"/schedules/{made.id}/delete").location == "/schedules?note=deleted"
    assert alice.get(f"/schedules/{made.id}").status_code == 404
    assert alice.get(f"/jobs/{job.uuid}").status_code == 200


DELETED_JOB = 10**12


def runs_in_states(alice, states, status="fired"):
    """A schedule whose latest runs have jobs in these states; the looks of its strip, and the text of its page."""
    made = submit_schedule(alice)
    for number, state in enumerate(states):
        job = Job.get(Job.schedule_id == made.id)
        copy = job_store.create(NewJob(job.account_id, job.args, None, None, clock.now()), clock.now())[0]
        Job.update(state=state).where(Job.id == copy.id).execute()
        firing_rows.add([FiringRow(str(made.id), clock.now() + number, status, copy.id, 0, clock.now())])
    text = alice.get(f"/schedules/{made.id}").text
    looks = [a["class"] for tag, a in Markup(text).tags if tag == "li" and a.get("class") in run_results.RESULTS]
    return made, looks, text


def test_only_a_run_that_succeeded_is_shown_as_a_success(alice, moved_clock):
    """A schedule that had never succeeded was all green."""
    _, looks, _ = runs_in_states(alice, ["completed", "retryable", "discarded", "executing", "cancelled"])

    assert looks == ["succeeded", "retrying", "failed", "running", "cancelled"]


@pytest.mark.parametrize(
    ("states", "status", "said"),
    [
        (["completed", "retryable", "discarded", "executing", "completed", "cancelled"], "fired", "2 of the last 3"),
        (["completed", "discarded"], "late", "1 of the last 2"),
        (["completed"], "backfilled", "1 of the last 1"),
        (["discarded", "discarded"], "fired", "0 of the last 2"),
        (["retryable", "executing", "cancelled"], "fired", None),
    ],
)
def test_of_the_runs_that_ended_those_that_succeeded_are_counted(alice, moved_clock, states, status, said):
    _, _, text = runs_in_states(alice, states, status)

    assert re.findall(r"(\d+ of the last \d+) ended runs? succeeded", text) == ([said] if said else [])


def test_a_run_that_succeeded_late_is_no_failure(alice, moved_clock):
    _, looks, text = runs_in_states(alice, ["completed", "discarded"], status="late")

    assert looks == ["late", "failed"]
    assert "succeeded late" in text


@pytest.mark.parametrize(
    ("states", "status", "failures", "word"),
    [
        (["discarded", "completed"], "fired", 0, "on time"),
        (["completed"], "late", 0, "late"),
        (["completed", "retryable"], "fired", 0, "retrying"),
        (["completed", "executing"], "fired", 0, "on time"),
        (["discarded"], "fired", 1, "failed"),
        (["discarded", "discarded"], "fired", 34, "failing (34)"),
        ([], "fired", 0, "enabled"),
        (["completed", "cancelled"], "fired", 0, "on time"),
        (["retryable", "cancelled"], "fired", 0, "retrying"),
        (["cancelled"], "fired", 0, "enabled"),
        (["discarded"], "fired", 0, "enabled"),
    ],
)
def test_a_word_says_how_a_schedule_does(alice, moved_clock, states, status, failures, word):
    made, _, _ = runs_in_states(alice, states, status)
    Schedule.update(failures=failures).where(Schedule.id == made.id).execute()

    for path in ("/schedules", f"/schedules/{made.id}"):
        assert f">{word}</span>" in alice.get(path).text


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("fired", "on time"),
        ("skipped_overlap", "on time"),
        ("paused", "held back"),
        ("missed_down", "late"),
        ("skipped_misfire", "late"),
    ],
)
def test_the_latest_instant_that_says_anything_decides(alice, moved_clock, status, word):
    """Of a job that is deleted nothing more is known than that it did not fail."""
    made, _, _ = runs_in_states(alice, ["completed"])
    firing_rows.add([FiringRow(str(made.id), clock.now() + 9, status, DELETED_JOB, 0, clock.now())])

    assert f">{word}</span>" in alice.get("/schedules").text


def test_a_schedule_that_is_disabled_is_not_called_failing(alice, moved_clock):
    made, _, _ = runs_in_states(alice, ["discarded"])
    Schedule.update(failures=3, disabled_at=clock.now()).where(Schedule.id == made.id).execute()

    assert ">disabled</span>" in alice.get("/schedules").text


def test_the_strip_tells_each_instant_by_letter_and_words(alice, moved_clock):
    made = submit_schedule(alice)
    rows = [
        FiringRow(
            str(made.id), clock.now() + number, status, DELETED_JOB if status == "fired" else None, 1500, clock.now()
        )
        for number, status in enumerate(firing_rows.STATUSES)
    ]
    firing_rows.add(rows + [FiringRow(str(made.id), number, "fired", DELETED_JOB, 0, 0) for number in range(100)])
    for path in ("/schedules", f"/schedules/{made.id}"):
        text = alice.get(path).text
        tags = Markup(text).tags
        strip = [a for tag, a in tags if tag == "li" and a.get("class") in firing_rows.STATUSES]
        titles = [a["title"] for tag, a in tags if " UTC: " in a.get("title", "")]
        assert (len(strip), len(titles)) == (60, 60), path
        assert [a["class"] for a in strip[-len(firing_rows.STATUSES) :]] == list(firing_rows.STATUSES)
        assert "missed: too old when it was noticed" in titles[-5]
        assert not re.search(">[^<]*(missed down|skipped misfire)", text)
        assert "1.5 ms late" in titles[-1]


def test_every_status_of_an_instant_has_its_words():
    assert RUN_RESULTS.keys() == set(run_results.RESULTS)
    for texts in zip(*RUN_RESULTS.values(), strict=True):
        assert len(set(texts)) == len(run_results.RESULTS)


def test_another_accounts_schedule_is_not_there(app, alice, bob):
    made = submit_schedule(alice, name="secret plan")
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("pages.") and rule.rule.startswith("/schedules/<"):
            path = rule.rule.replace("<key>", str(made.id))
            answer = bob.get(path) if "GET" in rule.methods else bob.send(path)
            assert answer.status_code == 404, path
    assert "secret plan" not in bob.get("/schedules").text
    assert Schedule.get_by_id(made.id).disabled_at is None


def test_what_a_customer_calls_a_schedule_is_text(alice):
    made = submit_schedule(
        alice, name=SVG, description=SVG, url=f"https://example.com/{SVG}", body=json.dumps(SVG), headers=f"X: {SVG}"
    )
    Schedule.update(state=json.dumps({SVG: SVG}), previous=json.dumps(SVG)).execute()
    for path in ("/schedules", f"/schedules/{made.id}", f"/schedules/{made.id}/edit", "/jobs", "/"):
        text = alice.get(path).text
        assert SVG not in text, path
        assert "&lt;svg/onload" in text, path


@pytest.mark.parametrize(("max_runs", "shown"), [(3, 3), (10, 10), (11, 10), (None, 10)])
def test_the_preview_shows_no_more_instants_than_runs(max_runs, shown):
    rule = frequency_of(json.dumps({"repeat_every": 60} | ({"max_runs": max_runs} if max_runs else {})))
    assert len(preview_page.instants_from(rule, 0, preview_page.COUNT)) == shown


def preview(browser, query):
    return browser.get(f"/jobs/preview?{query}").text


def test_the_preview_shows_ten_instants_and_the_clock_change(alice, moved_clock):
    """The preview shows ten instants and those around the change of the clock."""
    text = preview(alice, "when=cron&cron=30 2 * * *&timezone=Europe/Berlin")

    walls = [part.split("</b>")[0] for part in text.split("<b>")[1:]]
    assert walls[0] == "2026-01-02 02:30:00 +01:00"
    assert len(walls) == 14
    assert walls[10:] == [
        "2026-03-27 02:30:00 +01:00",
        "2026-03-28 02:30:00 +01:00",
        "2026-03-29 03:00:00 +02:00",  # the clock skips 02:30
        "2026-03-30 02:30:00 +02:00",
    ]


@pytest.mark.parametrize(
    ("now", "shown"),
    [
        ("2026-03-18T23:00:00Z", 14),
        ("2026-03-19T23:00:00Z", 10),  # the tenth is due at the change itself
        ("2026-03-25T09:00:00Z", 10),
    ],
)
def test_a_change_of_the_clock_that_lies_among_the_ten_is_shown_once(alice, moved_clock, now, shown):
    moved_clock.now = parse_instant(now)

    text = preview(alice, "when=cron&cron=30 2 * * *&timezone=Europe/Berlin")

    assert text.count("<li>") == shown
    assert text.count("<b>2026-03-29 03:00:00 +02:00</b>") == 1
    assert ("next clock change" in text) == (shown > 10)


def test_the_preview_of_an_interval_or_of_utc_knows_no_change(alice, moved_clock):
    for query in ("when=every&every=5&every_unit=minutes", "when=cron&cron=0 9 * * *"):
        text = preview(alice, query)
        assert text.count("<li>") == 10
        assert "next clock change" not in text
    assert "Every 5 minutes" in preview(alice, "when=every&every=5&every_unit=minutes")


def test_the_preview_of_a_rare_date_ends_in_time(alice, moved_clock):
    assert preview(alice, "when=cron&cron=0 0 29 2 *&timezone=America/New_York").count("<li>") >= 10
    assert "must" in preview(alice, "when=cron&cron=x")


@pytest.mark.parametrize(
    ("zone", "after", "change"),
    [
        ("Europe/Berlin", "2026-01-01T00:00:00Z", "2026-03-29T01:00:00Z"),
        ("Europe/Berlin", "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"),
        ("Australia/Lord_Howe", "2026-01-01T00:00:00Z", "2026-04-04T15:00:00Z"),
    ],
)
def test_the_next_change_of_a_clock_is_found_to_the_second(zone, after, change):
    assert preview_page.next_change(zone, parse_instant(after)) == parse_instant(change)


def test_a_clock_that_never_changes_has_no_change():
    assert preview_page.next_change("UTC", parse_instant("2026-01-01T00:00:00Z")) is None


def test_the_instants_of_an_interval_begin_with_the_one_that_was_asked_for():
    assert preview_page.instants_from(Frequency(every_us=10), 100, 3) == [100, 110, 120]


def test_a_schedule_without_a_further_instant_is_finished(alice, moved_clock):
    once = json.dumps({"repeat_every": [1, "hour"], "max_runs": 1})
    schedule_id = make_schedule(account_store.account_named("alice", clock.now()), once)
    assert "finished" not in alice.get(f"/schedules/{schedule_id}").text + alice.get("/schedules").text

    moved_clock.advance(hours=2)
    planning.plan(clock.now(), 10)

    assert "finished" in alice.get(f"/schedules/{schedule_id}").text
    assert "finished" in alice.get("/schedules").text


def test_schedules_that_fail_are_listed_first(alice, moved_clock):
    for name in ("old and well", "older and failing", "new and well", "failing but disabled"):
        made = submit_schedule(alice, name=name)
        if "failing" in name:
            Schedule.update(failures=2).where(Schedule.id == made.id).execute()
        if "disabled" in name:
            Schedule.update(disabled_at=clock.now()).where(Schedule.id == made.id).execute()
        moved_clock.advance(seconds=1)

    names = re.findall(r">([a-z ]+ and [a-z]+|failing but disabled)</a>", alice.get("/schedules").text)

    assert names == ["older and failing", "failing but disabled", "new and well", "old and well"]
