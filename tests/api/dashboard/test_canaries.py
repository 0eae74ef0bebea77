"""A canary in every text of every table: on no page is it more than text."""

import re

import pytest

from models.alerts import status_pages
from models.database.connection import database
from models.database.schema import TABLE
from models.database.sql import execute
from models.flows import gates
from models.jobs import records
from models.jobs.records import AttemptRow
from models.rules import clock
from models.rules.limits import FLOW, HOST, LANE
from models.webhooks import endpoints
from runtime import settings
from tests.support.alerts import make_alert
from tests.support.api_client import one_database
from tests.support.apps import PAGES, app_of
from tests.support.canaries import MARK, SECRET, SHOWN, Filled, canary, fill, loose_marks, text_columns
from tests.support.crawling import forms_of, route_of, walk
from tests.support.rows import make_job
from tests.support.schedule_rows import create_schedule

NO_TEXT = {"ticker", "queue_depth", TABLE}  # and the runner's own table
OURS = {  # words that Booper chooses; a page asks which one it is
    *("job.state", "job.kind", "channel.name", "schedule.frequency", "minute_stat.lateness", "session_secret.value"),
    *("gate.kind", "operation.state", "operation.job_filter", "operation.held"),
    *("alert.types", "alert.scope_kind", "alert.options", "alert_target.way", "incident.type", "incident.announced"),
    *("incident.subject", "incident_subject.type", "incident_subject.subject", "health_event.type"),
    *("target_group.name", "calendar.name", "status_page.token"),
    *("backfill.state", "backfill.instants"),
}
KEPT_BACK = {  # what no page shows
    *("api_key.sha256", "signing_key.secret", "channel.url", "ended_session.digest"),
    *("idempotent_request.key", "idempotent_request.fingerprint", "idempotent_request.answer"),
    *("job.idempotency_key", "job.backoff", "job.redact", "job.notify", "job_label.label"),
    *("listener.name", "listener_request.listener", "listener_request.request", "listener_request.answer"),
    *("job.judging", "job.traceparent", "dedup_window.digest"),
    *("schedule.content_type", "schedule.template"),
    *("gate.key", "gate.reason", "ack.content_type"),
    *("alert_target.secret", "alert_target.url", "health_event.host", "health_event.reason"),
    "schedule.calendar_days",
    *("worker.id", "worker.host", "worker.version", "minute_stat.worker_id", "operator_watch.watcher"),
}


def texts():
    """Every text column there is, as table.column."""
    tables = set(database.get_tables()) - NO_TEXT
    uuids = {"uuid", "schedule_id", "after_uuid", "job_uuid", "moved_to"}
    named = {f"{table}.{name}" for table in tables for name in text_columns(table) if name not in uuids}
    return named - {"schedule.id"}


def starts():
    """Where to begin: the pages that stand by themselves, and addresses with a canary in each part."""
    text = canary("query.text")
    names = ("state", "kind", "label", "host", "text", "after", "before", "cursor", "event", "job", "page", "note")
    return [
        *PAGES,
        "/sign-in",
        "/timeline?span=7d",
        *[f"/timeline?{name}={text}" for name in ("host", "label", "flow", "schedule", "span", "height")],
        *[f"/jobs?{name}={text}" for name in ("active_after", "active_before")],
        f"/flows/one?key={text}",
        f"/find?q=x:{text}",
        f"/find/results?q={text}",
        *[f"{page}?{name}={text}" for page in ("/jobs", "/logs", "/schedules", "/keys") for name in names],
        *[f"/jobs/bulk?action={text}&{name}={text}" for name in names],
        f"/jobs/bulk?action=retry&state=discarded&host={text}&reason={text}&group=1",
        f"/jobs/bulk?action=cancel&text={MARK}&once={text}",  # matches jobs, which its form carries on
        f"/jobs/new?from={text}&when={text}",
        f"/jobs/preview?when=cron&cron={text}&timezone={text}",
        f"/jobs/preview?when=in&amount={text}&unit={text}",
        f"/jobs/preview/retries?backoff={text}&max_attempts={text}",
        f"/sign-in?next={text}",
    ]


@pytest.fixture
def filled(alice):
    return Filled(alice.account)


def test_what_stands_in_a_table_is_text_on_every_page(app, alice, filled):
    shown, routes, refused = set(), set(), set()

    for page in walk(alice, *starts()):
        asked_wrongly = () if page.linked_from else (303, 404, 422)
        kept = (422,) if page.linked_from in refused else ()  # the links of a range keep what is wrong beside it
        assert page.answer.status_code in (200, *asked_wrongly, *kept), (page.path, page.linked_from)
        if page.answer.status_code == 422:
            refused.add(page.path)
        assert loose_marks(page) == [], page.path
        assert SECRET not in page.answer.text, page.path
        shown |= set(SHOWN.findall(page.answer.text))
        routes.add(route_of(app, page.path))

    assert texts() - OURS - shown == KEPT_BACK
    assert pages_of(app) - routes == {"pages.stream_logs"}


def test_nothing_of_an_account_is_on_a_page_of_another_or_in_its_answers(bob, filled):
    fill("channel_message", account_id=filled.account_id, inserted_at=filled.now)
    bob.client.application = production = app_of(settings.load({"BOOPER_BROKER_URL": "amqp://127.0.0.1"}))

    pages = list(walk(bob, *PAGES, "/timeline?span=7d"))
    lists = [rule.rule for rule in production.url_map.iter_rules() if "GET" in rule.methods and not rule.arguments]
    answers = [bob.get(path, headers={"Authorization": f"Bearer {bob.secret}"}) for path in lists if "/api/" in path]

    assert (len(pages) > 25, len(answers) > 15) == (True, True)
    assert [page.path for page in pages if "canary" in page.answer.text] == []
    assert [answer.request.path for answer in answers if "canary" in answer.text] == []


def owned_by(account):
    """Something of each kind, as many as a page may count."""
    now = clock.now()
    schedule = create_schedule(account, {"name": "own"})
    for state in ("discarded", "retryable", "executing", "completed", "scheduled"):
        job = make_job(account, state, 60, host="own.example", schedule_id=schedule.id, attempted_at=now)
        records.add_attempts([AttemptRow(job.id, 1, now, now, 0, "answered", 500, "status_500")])
    for kind in (FLOW, LANE, HOST):
        gates.ensure(account.id, kind, "own.example", now)
    execute("UPDATE gate SET failures = 1", ())
    endpoints.create(account.id, "https://own.example/", None, True, now)
    make_alert(account)
    return status_pages.renew(account.id, now)


@one_database
def test_what_an_account_has_changes_no_page_and_no_answer_of_another(app, alice, bob, moved_clock, monkeypatch):
    """Not by a word, and not by a number."""
    monkeypatch.setattr(status_pages, "AT_MOST", 1)  # it tells how many there are if they are more
    token = owned_by(bob.account)
    rules = [rule.rule for rule in app.url_map.iter_rules() if "GET" in rule.methods and not rule.arguments]
    answered = [path for path in rules if path.startswith("/api/")]

    def seen():
        pages = {page.path: page.answer.text for page in walk(bob, *PAGES, "/timeline?span=7d", f"/status/{token}")}
        key = {"Authorization": f"Bearer {bob.secret}"}
        texts = pages | {path: bob.get(path, headers=key).text for path in answered}
        return {path: re.sub('"request_id": "[^"]*"', "", text) for path, text in texts.items()}

    before = seen()
    Filled(alice.account)
    owned_by(alice.account)
    for shared in ("worker", "channel_message"):  # it is all accounts'
        execute(f"DELETE FROM {shared}", ())
    after = seen()

    assert len(before) > 60
    assert [path for path in {*before, *after} if before.get(path) != after.get(path)] == []


def pages_of(app):
    """The routes of the dashboard that can be looked at."""
    rules = app.url_map.iter_rules()
    return {rule.endpoint for rule in rules if rule.endpoint.startswith("pages.") and "GET" in rule.methods}


def test_what_a_person_types_is_text_on_the_page_that_comes_back(alice, filled):
    sent = set()

    for page in walk(alice, *PAGES):
        for form in forms_of(page):
            if not form.typed or form.action in sent:
                continue
            sent.add(form.action)
            chosen = {name: value for name, value in form.others.items() if name in ("csrf", "from")}
            for text in (canary("form.text"), "https://<canary>.example/", '{"<canary>": "<canary>"}'):
                for others in (form.others, dict.fromkeys(form.others, text) | chosen):
                    answer = send(alice, form, others | dict.fromkeys(form.typed, text))
                    assert answer.status_code in (200, 303, 409, 422), (form, answer.status_code)  # 409: no more may be
                    assert loose_marks(page._replace(answer=answer)) == [], form

    assert {"/jobs", "/jobs/new", "/logs", "/keys", "/endpoints", "/channels/discord"} < sent
    assert [path for path in sent if path.endswith("/edit")]


def send(browser, form, fields):
    if form.method == "post":
        return browser.client.post(form.action, data=fields)
    return browser.client.get(form.action, query_string=fields)
