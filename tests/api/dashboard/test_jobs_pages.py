"""The pages of jobs: lists, one job, what is done to them, the form for a new one, failures, keys."""

import html
import json
import re
from types import SimpleNamespace

import pytest

from models.accounts import account_store
from models.accounts.account_tables import ApiKey
from models.jobs import job_store
from models.jobs.job_tables import Job
from models.jobs.log_events import REQUEST_FAILED, RESPONSE_RECEIVED
from models.jobs.records import AttemptRow, add_attempts, add_log_entries, log_row
from models.rules import clock
from tests.support.browsers import Browser, Markup
from tests.support.rows import make_failed_job, make_job, reread

URL = "https://example.com/hook"


def job_shown_after(answer):
    """The job whose page a form led to."""
    assert answer.status_code == 303, answer.text
    return Job.get(Job.uuid == answer.location.split("/jobs/")[1].split("?")[0])


def submit_order(browser, **fields):
    return browser.send("/jobs/new", **{"method": "POST", "url": URL, "when": "now", **fields})


def problems(answer):
    """The texts that stand by the fields."""
    assert answer.status_code == 422, answer.status_code
    return answer.text


def test_a_filled_form_orders_what_the_api_would(alice):
    fields = {"name": "welcome", "headers": "X-A: 1\r\nX-B: two: 2\r\n", "body": '{"a":  1.50}', "timeout": "2.5"}
    job = job_shown_after(submit_order(alice, when="in", amount="90", unit="minutes", max_attempts="3", **fields))
    assert (job.state, job.scheduled_at - job.inserted_at) == ("scheduled", 5400 * clock.SECOND)
    assert (job.name, job.timeout_ms, job.max_attempts, job.host) == ("welcome", 2500, 3, "example.com")
    assert bytes(job.body) == b'{"a":  1.50}'
    assert job.content_type == "application/json"
    assert json.loads(job.args)["headers"] == {"X-A": "1", "X-B": "two: 2"}
    assert json.loads(job.args)["schedule_in"] == [90, "minutes"]


def test_a_text_body_is_sent_with_the_line_ends_that_were_typed(alice):
    job = job_shown_after(submit_order(alice, body="a\r\nb", body_type="text"))
    assert bytes(job.body) == b"a\nb"
    assert job.content_type.startswith("text/plain")


def test_a_local_time_is_taken_with_the_browsers_offset(alice, moved_clock):
    job = job_shown_after(submit_order(alice, when="at", at="2026-01-01T12:00:00", offset="+02:00"))
    assert job.scheduled_at == clock.now() + 3600 * clock.SECOND
    job = job_shown_after(submit_order(alice, when="at", at="2026-01-01T12:00", offset=""))
    assert job.scheduled_at == clock.now() + 3 * 3600 * clock.SECOND


def test_further_members_are_taken_as_json(alice):
    job = job_shown_after(submit_order(alice, more='{"backoff": {"fixed": 60}, "labels": ["a"]}'))
    assert json.loads(job.backoff) == {"fixed": 60}
    assert json.loads(job.args)["labels"] == ["a"]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"url": "ftp://x"}, "must be an https URL"),
        ({"url": ""}, "must be an https URL"),
        ({"method": "BREW"}, "must be one of get, post"),
        ({"headers": "no colon"}, "lines of `Name: value`"),
        ({"headers": "Host: x"}, "Booper sets or keeps back"),
        ({"headers": "A: 1\nA: 2"}, "must be given once each"),
        ({"headers": "A: 1\n A : 2"}, "must be given once each"),
        ({"body": "{nope"}, "must be JSON"),
        ({"body": '"\\ud800"'}, "must be JSON that can be kept"),
        ({"when": "in", "amount": "soon"}, "must be a number of seconds"),
        ({"when": "in", "amount": "-1"}, "must be a number of seconds"),
        ({"when": "in", "amount": "1", "unit": "years"}, "must be a number of seconds"),
        ({"when": "at", "at": "tomorrow"}, "must be a date and time"),
        ({"when": "in", "amount": "999999", "unit": "weeks"}, "days ahead"),
        ({"timeout": "0"}, "must be from 1 to 7200 seconds"),
        ({"max_attempts": "many"}, "must be a whole number from 1 to 100"),
        ({"more": "[]"}, "must be a JSON object"),
        ({"more": '{"url": "https://x.example"}'}, "must leave out what is filled in"),
        ({"more": '{"colour": 1}'}, "unknown field"),
        ({"more": '{"backoff": 1}'}, "backoff"),
        ({"name": "x" * 300}, "at most 255 characters"),
    ],
)
def test_what_the_api_would_refuse_is_told_by_its_field_and_nothing_is_lost(alice, fields, problem):
    answer = submit_order(alice, **{"description": "kept as typed", **fields})
    assert problem in problems(answer).replace("&#34;", '"').replace("&#39;", "'")
    assert "kept as typed" in answer.text
    assert Job.select().count() == 0


def problems_by_field(answer):
    """For each field the text beside it, each of which the field names as its description."""
    text = problems(answer).replace("&#34;", '"').replace("&#39;", "'")
    by_field = dict(re.findall(r'id="([a-z_]+)-problem">([^<]*)<', text))
    described = {attributes["aria-describedby"] for _, attributes in Markup(text).tags if "aria-invalid" in attributes}
    assert described == {f"{name}-problem" for name in by_field if name != "query"}
    return by_field


def test_all_that_is_wrong_is_told_at_once_each_by_its_field(alice):
    wrong = {
        "method": "BREW",
        "url": "ftp://x",
        "headers": "no colon\nHost: x\nA: 1\nA: 2",
        "body": "{nope",
        "when": "in",
        "amount": "soon",
        "name": "x" * 300,
        "description": "a\0b",
        "timeout": "0",
        "max_attempts": "many",
        "more": '{"redact": 1, "colour": 2, "body": 3}',
    }
    answer = submit_order(alice, **wrong)
    by_field = problems_by_field(answer)
    assert by_field.keys() == {*wrong, "when"} - {"amount"}
    for part in ("one without a colon", "one twice", "Host: must be another header"):
        assert part in by_field["headers"]
    for part in ("redact: must be", "colour: unknown field", "is filled in above, got body"):
        assert part in by_field["more"]
    for typed in ("ftp://x", "no colon", "{nope", "soon", "x" * 300, "many", "colour"):
        assert typed in answer.text
    assert Job.select().count() == 0


def test_what_follows_from_another_mistake_is_not_told_besides(alice):
    more = '{"overlap": "allow", "catch_up_seconds": 120}'
    by_field = problems_by_field(
        submit_order(alice, when="cron", cron="nope", timezone="Europe/Berlin", more=more, url=f"{URL}\0")
    )
    assert by_field.keys() == {"when", "url"}
    assert by_field["when"].startswith("must have the five fields")
    assert "absent" not in by_field["when"]
    assert "NUL" in by_field["url"]
    assert "got nothing" not in by_field["url"]


def test_a_schedule_too_many_is_told_in_the_form_and_nothing_is_lost(alice, monkeypatch):
    monkeypatch.setattr("api.dashboard.pages.new_job.settings", lambda: SimpleNamespace(max_schedules=0))
    answer = submit_order(alice, when="cron", cron="0 9 * * *", name="kept as typed")
    assert "Disable another one first" in problems(answer)
    assert "kept as typed" in answer.text


def test_the_preview_says_when_in_utc(alice, moved_clock):
    text = alice.get("/jobs/preview?when=in&amount=2&unit=hours").text
    assert 'datetime="2026-01-01T11:00:00.000000Z"' in text
    assert "in 2 h" in text
    assert "must be" in alice.get("/jobs/preview?when=in&amount=x&unit=hours").text
    assert "2026-01-01 09:00:00 UTC" in alice.get("/jobs/preview").text


def test_running_again_makes_the_same_request_due_now(alice, moved_clock):
    more = '{"labels": ["a"], "max_age": 60}'
    old = job_shown_after(
        submit_order(alice, name="n", headers="X-A: 1", body="[1]", when="in", amount="5", unit="days", more=more)
    )
    moved_clock.advance(hours=1)
    new = job_shown_after(alice.send(f"/jobs/{old.uuid}/again"))
    assert new.id != old.id
    assert (new.state, new.scheduled_at) == ("available", clock.now())
    for column in ("body", "content_type", "name", "host", "max_attempts", "timeout_ms"):
        assert getattr(new, column) == getattr(old, column)
    assert new.retry_until == clock.now() + 60 * clock.SECOND
    assert json.loads(new.args) == {k: v for k, v in json.loads(old.args).items() if k != "schedule_in"}
    assert reread(old).state == "scheduled"
    assert str(new.id) in alice.get("/jobs?label=a").text


def test_a_key_that_holds_the_first_order_does_not_hold_back_the_next(alice):
    old = job_store.create(
        job_store.NewJob(alice.account.id, f'{{"url":"{URL}"}}', None, None, 0, idempotency_key="k"), 1
    )[0]
    assert job_shown_after(alice.send(f"/jobs/{old.uuid}/again")).idempotency_key is None


def test_the_form_is_filled_in_from_an_old_job(alice):
    request = {"url": f"{URL}?a=1", "headers": "X-A: 1", "body": '{"b": "<b>"}', "more": '{"redact": ["body"]}'}
    old = job_shown_after(submit_order(alice, name="n", **request))
    text = alice.get(f"/jobs/new?from={old.uuid}").text
    values = [attributes.get("value") for tag, attributes in Markup(text).tags if tag == "input"]
    assert f"{URL}?a=1" in values
    assert "n" in values
    for typed in ("X-A: 1", "{&#34;b&#34;: &#34;&lt;b&gt;&#34;}", "{&#34;redact&#34;: [&#34;body&#34;]}"):
        assert typed in text


def test_bytes_come_through_the_form_unharmed(alice):
    old = job_shown_after(submit_order(alice, more='{"body_base64": "AP8="}'))
    page = alice.get(f"/jobs/{old.uuid}").text
    form = alice.get(f"/jobs/new?from={old.uuid}").text
    again = job_shown_after(submit_order(alice, **{"from": old.uuid}, more='{"body_base64": "AP8="}'))

    assert ">AP8=</pre>" in page
    assert "{&#34;body_base64&#34;: &#34;AP8=&#34;}" in form
    assert bytes(again.body) == bytes(old.body) == b"\x00\xff"


@pytest.mark.parametrize(("due_in_s", "seconds"), [(86_400, 10), (4, 4), (0, 1), (-60, 1)])
def test_the_page_of_a_job_that_waits_long_is_asked_for_seldom(alice, moved_clock, due_in_s, seconds):
    job = make_job(alice.account, "scheduled", due_in_s)
    assert f'data-refresh="{seconds}"' in alice.get(f"/jobs/{job.uuid}").text


def test_a_job_can_be_cancelled_once(alice):
    job = make_job(alice.account, "scheduled", 60)
    assert "note=cancelled" in alice.send(f"/jobs/{job.uuid}/cancel").location
    assert reread(job).state == "cancelled"
    assert "note=final" in alice.send(f"/jobs/{job.uuid}/cancel").location


def test_a_job_and_its_replay_lead_to_each_other(alice):
    old, other = make_job(alice.account, "discarded"), make_job(alice.account, "discarded")
    new = alice.send(f"/jobs/{old.uuid}/again").location.partition("?")[0]
    assert f'was run again as <a href="{new}">a new job</a>' in alice.get(f"/jobs/{old.uuid}").text
    assert f'repeats <a href="/jobs/{old.uuid}">an older job</a>' in alice.get(new).text
    assert "run again as" not in alice.get(f"/jobs/{other.uuid}").text

    for _ in range(4):
        latest = alice.send(f"/jobs/{old.uuid}/again").location.partition("?")[0]
    assert f'<a href="{latest}">job 5</a>' in alice.get(f"/jobs/{old.uuid}").text


def test_failures_that_were_run_again_are_none_any_more(alice):
    for host in ("a.example", "b.example"):
        make_failed_job(alice.account, host, "timeout")
    alice.send("/failures/again", state="discarded", host="a.example", reason="timeout")
    assert "a.example" not in alice.get("/failures").text
    assert "b.example" in alice.get("/failures").text


def test_the_chosen_jobs_are_cancelled_and_no_others(alice):
    first, second, third = (make_job(alice.account, "scheduled", 60) for _ in range(3))
    alice.send("/jobs/chosen", action="cancel", job=[str(first.id), str(third.id), "x", "999999"])
    assert [reread(job).state for job in (first, second, third)] == ["cancelled", "scheduled", "cancelled"]


def test_the_chosen_jobs_are_ordered_again_and_the_list_stays_filtered(alice):
    chosen = [make_job(alice.account, "discarded") for _ in range(3)]
    answer = alice.send("/jobs/chosen", action="retry", job=[str(job.id) for job in chosen[:2]], state="discarded")
    assert answer.location == "/jobs?state=discarded&note=bulk_again"
    assert sorted(job.state for job in Job.select()) == ["available"] * 2 + ["discarded"] * 3
    assert alice.send("/jobs/chosen", action="retry").location == "/jobs?note=nothing"


def test_of_chosen_jobs_those_that_wait_are_moved_and_not_copied(alice, moved_clock):
    waiting = [make_job(alice.account, state, 60) for state in ("scheduled", "retryable")]
    running = make_job(alice.account, "executing", -5)

    answer = alice.send("/jobs/chosen", action="retry", job=[str(job.id) for job in waiting])

    assert answer.location == "/jobs?note=bulk_again"
    assert [reread(job).scheduled_at for job in waiting] == [clock.now()] * 2
    assert alice.send("/jobs/chosen", action="retry", job=str(running.id)).location == "/jobs?note=none_waits"
    assert Job.select().count() == 3


def test_of_more_jobs_than_a_form_may_choose_the_first_hundred_are_taken(alice):
    now = clock.now()
    made = {"account_id": alice.account.id, "state": "scheduled", "scheduled_at": now, "inserted_at": now, "args": "{}"}
    Job.insert_many([made] * 102).execute()
    ids = [str(job.id) for job in Job.select().order_by(Job.id)]

    alice.send("/jobs/chosen", action="cancel", job=ids)

    assert [str(job.id) for job in Job.select().where(Job.state == "cancelled").order_by(Job.id)] == ids[:100]


def test_nothing_is_done_to_the_chosen_jobs_unless_a_button_says_what(alice):
    job = make_job(alice.account, "scheduled", 60)
    for said in ({}, {"action": "delete"}):
        assert alice.send("/jobs/chosen", job=str(job.id), **said).location == "/jobs?note=nothing"
    assert reread(job).state == "scheduled"
    text = alice.get("/jobs").text
    first = next(a for tag, a in Markup(text[text.index('id="list"') :]).tags if tag == "button")
    assert first["value"] not in ("cancel", "again")  # Enter in a checkbox presses the first one


def test_a_list_goes_on_where_the_page_before_ended(alice, moved_clock):
    for _ in range(60):
        moved_clock.advance(seconds=1)
        make_job(alice.account, "completed")
    first = alice.get("/jobs?state=completed")
    (older,) = [a["href"] for tag, a in Markup(first.text).tags if tag == "a" and a.get("rel") == "next"]
    assert "state=completed" in older
    second = alice.get(older)
    shown = [[a["value"] for tag, a in Markup(page.text).tags if a.get("name") == "job"] for page in (first, second)]
    assert [len(page) for page in shown] == [50, 10]
    assert len({*shown[0], *shown[1]}) == 60
    assert 'rel="next"' not in second.text


@pytest.mark.parametrize("state", ["completed", "discarded", "cancelled"])
def test_a_job_that_has_ended_tells_when_and_not_when_it_was_due(alice, moved_clock, state):
    job = make_job(alice.account, state, 47 * 3600, **{f"{state}_at": clock.now()})
    moved_clock.advance(minutes=2)
    for path in ("/jobs", f"/jobs/{job.uuid}"):
        text = alice.get(path).text
        assert ">2 min ago<" in text, path
        assert "in 1 d 2" not in text, path


def test_a_job_that_waits_tells_when_it_is_due(alice, moved_clock):
    job = make_job(alice.account, "retryable", 47 * 3600)
    for path in ("/jobs", f"/jobs/{job.uuid}"):
        assert ">in 1 d 23 h<" in alice.get(path).text


@pytest.mark.parametrize("query", ["state=done", "cursor=x", "text=" + "x" * 300, "after=never", "host=a/b"])
def test_a_filter_that_means_nothing_is_told(alice, query):
    answer = alice.get(f"/jobs?{query}")
    assert answer.status_code == 422
    assert "must be" in answer.text


def test_empty_lists_say_what_to_do(alice):
    assert "Create the first one" in alice.get("/jobs").text
    assert "No job matches" in alice.get("/jobs?state=completed").text
    assert "Nothing has failed" in alice.get("/failures").text
    assert "appear here by themselves" in alice.get("/logs").text


def test_why_a_job_has_not_run_tells_times_that_can_be_read(alice, moved_clock):
    lease = {"attempt": 1, "attempted_at": clock.now() - 5, "lease_until": clock.now() + 30 * clock.SECOND + 7}
    for job in (make_job(alice.account, "retryable", 60, attempt=1), make_job(alice.account, "executing", 0, **lease)):
        (why,) = re.findall(r'id="why".*?</section>', alice.get(f"/jobs/{job.uuid}").text)
        assert not re.search(r">[^<]*\dT\d", why), why
        assert ' data-local title="2026-01-01 09:0' in why
    assert 'title="2026-01-01 09:00:30.000007 UTC">2026-01-01 09:00:30 UTC</time>' in why


def test_a_job_of_the_form_joins_its_flow_and_is_made_once_within_its_window(alice):
    """The form left the flow out."""
    more = '{"flow": {"key": "shop"}, "dedup": {"key": "k"}}'

    first, second = (job_shown_after(submit_order(alice, more=more)) for _ in range(2))

    assert first == second
    assert first.flow_id is not None


def test_a_jobs_page_shows_all_fields_that_were_ordered(alice):
    more = '{"success": {"status": ["2xx", 409]}, "stop_on": ["4xx"], "backoff": {"fixed": 60}}'
    job = job_shown_after(submit_order(alice, more=more))

    rows = re.findall('<th scope="row">(.*?)</th><td>(.*?)</td>', alice.get(f"/jobs/{job.uuid}").text)
    assert {name: html.unescape(value) for name, value in rows} == {
        "success": '{"status": ["2xx", 409]}',
        "stop_on": '["4xx"]',
        "backoff": '{"fixed": 60}',
    }


def test_a_plain_jobs_page_shows_no_other_fields(alice):
    assert "Other fields" not in alice.get(f"/jobs/{make_job(alice.account).uuid}").text


def test_a_jobs_page_shows_its_attempts_on_a_timeline(alice):
    job = make_job(alice.account, "retryable", 60, attempt=1)
    add_attempts([AttemptRow(job.id, 1, 0, 5000, 1000, "answered", 503, "status_503", 1.0, 2.0, 3.0, 8.0, 9.0)])
    tags = Markup(alice.get(f"/jobs/{job.uuid}").text).tags
    kinds = [attributes["class"].removeprefix("phase-") for tag, attributes in tags if tag == "rect"]
    assert kinds == ["dns", "connect", "tls", "first_byte", "body"]


def attempt_shown(browser, reason, event, payload):
    """The page of a job whose only attempt left this log entry."""
    job = make_job(browser.account, "discarded", attempt=1)
    outcome, status = ("answered", 200) if event == RESPONSE_RECEIVED else ("unreachable", None)
    add_attempts([AttemptRow(job.id, 1, 0, 5000, 1000, outcome, status, reason, 1.0, 2.0, 3.0, 8.0, 9.0)])
    add_log_entries([log_row(browser.account.id, job.id, None, event, {"attempt": 1, **payload}, clock.now())])
    return browser.get(f"/jobs/{job.uuid}").text


def test_t11_a_jobs_page_says_in_words_why_no_response_came(alice):
    text = attempt_shown(alice, "certificate_expired", REQUEST_FAILED, {"reason": "certificate_expired"})
    assert "No response: the target&#39;s certificate has expired (certificate_expired)." in text
    assert "Given up after attempt 1 of 20: the target&#39;s certificate has expired." in text


@pytest.mark.parametrize(("unreadable", "count"), [(True, 1), (False, 0)])
def test_t2_a_jobs_page_says_that_a_response_could_not_be_read(alice, unreadable, count):
    marks = {"truncated": unreadable, "unreadable": unreadable}
    text = attempt_shown(alice, None, RESPONSE_RECEIVED, {"status": 200, "headers": {}, "body": "", **marks})
    assert text.count("broke the rules of HTTP") == count


def test_failures_are_grouped_and_a_group_is_ordered_again(alice, bob):
    for host, reason, count in (
        ("a.example", "status_500", 3),
        ("a.example", "timeout", 1),
        ("b.example", "timeout", 2),
    ):
        for _ in range(count):
            make_failed_job(alice.account, host, reason)
    make_failed_job(alice.account, "a.example", "timeout", "retryable")
    make_failed_job(bob.account, "bobs.example", "timeout")
    text = alice.get("/failures").text
    assert "bobs.example" not in text
    assert text.count("<tr>") == 1 + 4
    alice.send("/failures/again", state="discarded", host="a.example", reason="status_500")
    assert [job.host for job in Job.select().where(Job.state == "available")] == ["a.example"] * 3
    alice.send("/failures/again", state="discarded", host="a.example", reason="nothing")
    assert Job.select().where(Job.state == "available").count() == 3


def test_failures_of_the_last_day_are_shown_and_older_ones_by_wish(alice, moved_clock):
    job = make_failed_job(alice.account, "a.example", "timeout")
    Job.update(attempted_at=clock.now() - 25 * clock.HOUR).where(Job.id == job.id).execute()
    assert "a.example" not in alice.get("/failures").text
    for span in ("7d", "all"):
        assert "a.example" in alice.get(f"/failures?span={span}").text


def test_a_group_that_is_retried_now_is_moved_and_not_copied(alice, moved_clock):
    job = make_failed_job(alice.account, "a.example", "timeout", "retryable")
    Job.update(scheduled_at=clock.now() + clock.HOUR).where(Job.id == job.id).execute()
    assert "Retry now" in alice.get("/failures?span=all").text

    alice.send("/failures/again", state="retryable", host="a.example", reason="timeout")

    assert (reread(job).scheduled_at, Job.select().count()) == (clock.now(), 1)


def test_a_key_is_shown_once_and_works(app, alice):
    answer = alice.send("/keys", name="deploy")
    secret = answer.text.split('id="secret">')[1].split("<")[0]
    assert Browser(app).sign_in(secret).location == "/"
    assert secret not in alice.get("/keys").text
    assert account_store.account_of(secret).id == alice.account.id
    for wrong in ("", " ", "x" * 101, "a\nb", account_store.DEMO_KEY_NAME):
        answer = alice.send("/keys", name=wrong)
        assert answer.status_code == 422
        assert f'value="{wrong.strip()}"' in answer.text


def test_n5_keys_are_shown_fifty_a_page(alice):
    for number in range(51):
        account_store.create_key(alice.account, f"key-{number:02}", clock.now())

    newest, older = (alice.get(path).text for path in ("/keys", f"/keys?before={ApiKey.get(name='key-01').id}"))

    assert (newest.count("<tr><td"), "key-50" in newest, "key-00" in newest, 'rel="next"' in newest) == (
        50,
        True,
        False,
        True,
    )
    assert ("key-00" in older, "key-01" in older, 'rel="next"' in older) == (True, False, False)


def test_each_key_is_on_one_of_the_pages_that_follow_one_another(alice):
    for number in range(120):
        account_store.create_key(alice.account, f"key-{number:03}", clock.now())

    pages, before = [], None
    while not pages or before is not None:
        keys, before = account_store.keys_of(alice.account.id, before)
        pages.append([key.id for key in keys])

    shown = [key_id for page in pages for key_id in page]
    assert [len(page) for page in pages] == [50, 50, 21]  # one more: her own
    assert shown == sorted(set(shown), reverse=True)


def test_revoking_the_own_key_signs_out_and_that_of_another_does_not(alice):
    alice.send("/keys", name="other")
    other = account_store.keys_of(alice.account.id)[0][0]
    assert alice.send(f"/keys/{other.uuid}/revoke").location == "/keys?note=revoked"
    assert alice.send(f"/keys/{other.uuid}/revoke").status_code == 404
    alice.send(f"/keys/{alice.key.uuid}/revoke")
    assert alice.get("/keys").status_code == 303


def test_what_tells_of_a_job_is_not_run_again_by_itself(alice):
    job = make_job(alice.account, "discarded", kind="callback")
    assert "Run again" not in alice.get(f"/jobs/{job.uuid}").text
    assert alice.send(f"/jobs/{job.uuid}/again").status_code == 422
    alice.send("/jobs/chosen", action="retry", job=str(job.id))
    assert Job.select().count() == 1


def test_a_job_and_what_tells_of_it_lead_to_one_another(alice, bob):
    job = make_job(alice.account, "completed")
    event = make_job(alice.account, kind="event", parent_id=job.id, body=b'{"type": "job.finished"}')
    callback = make_job(alice.account, kind="callback", parent_id=job.id, body=b"[]", url="https://example.com/told")
    text = alice.get(f"/jobs/{job.uuid}").text
    assert "job.finished" in text
    for other in (event, callback):
        assert f"/jobs/{other.uuid}" in text
        assert f"/jobs/{job.uuid}" in alice.get(f"/jobs/{other.uuid}").text
        assert bob.get(f"/jobs/{other.uuid}").status_code == 404
