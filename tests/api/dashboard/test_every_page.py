"""What holds on every page: headers, escaping, tokens, and that another account's things are not there."""

import re

import pytest

from models.database.paging import PageRequest
from models.database.sql import execute
from models.jobs import records, states
from models.jobs.records import AttemptRow
from models.rules import clock
from models.schedules.backfills import backfill_store
from models.webhooks import endpoints, signing_keys
from tests.support.alerts import make_alert, open_incident
from tests.support.apps import PAGES
from tests.support.browsers import Markup
from tests.support.databases import go_away
from tests.support.operations import order_operation
from tests.support.rows import all_rows, make_job
from tests.support.schedule_rows import create_schedule

SVG = "<svg/onload=alert(1)>"
QUOTED = '"><img src=x onerror=alert(1)>'
SCRIPT = "javascript:alert(1)"


def canary_job(account, state="discarded"):
    """A job with a canary in each of its members, its attempts and log entries."""
    args = (
        f'{{"method":"post","url":"https://example.com/{SVG}","query":{{"a":"{SVG}"}},"headers":{{"X-A":"{SVG}"}},'
        f'"name":"{SVG}","labels":["{SVG}"]}}'
    )
    body = f'{{"a":"{SVG}"}}'.encode()
    job = make_job(
        account,
        state=state,
        args=args,
        body=body,
        content_type="application/json",
        name=f"{SVG}{QUOTED[1:]}",
        description=SCRIPT,
        host=SVG,
        attempt=2,
        attempted_at=clock.now(),
    )
    for number in (1, 2):
        records.add_attempts([AttemptRow(job.id, number, 0, 5000, 1000, "answered", 500, SVG, first_byte_ms=1.0)])
        sent = {"method": SVG, "url": SCRIPT, "headers": {SVG: SVG}, "body": SVG, "attempt": number}
        received = {"status": 500, "headers": {SVG: SVG}, "body": SVG, "attempt": number}
        for event, payload in (
            ("request", sent),
            ("response", received),
            ("error", {"reason": SVG, "attempt": number}),
        ):
            row = records.log_row(account.id, job.id, None, f"worker.http.{event}", payload, clock.now())
            records.add_log_entries([row])
    records.add_log_entries([records.log_row(account.id, job.id, None, SVG, {SVG: SVG}, clock.now())])
    return job


def addresses_of(browser, job):
    from models.jobs import log_entries

    entries = log_entries.listed(
        browser.account.id, log_entries.LogFilter(), PageRequest(("inserted_at", "desc"), 10)
    ).rows
    bulk = f"/jobs/bulk?action=retry&state=discarded&host={SVG}&reason={SVG}&group=1"
    return [
        *PAGES,
        bulk,
        f"/jobs/{job.uuid}",
        f"/jobs/new?from={job.uuid}",
        *[f"/logs/{entry.uuid}" for entry in entries],
    ]


def test_what_a_customer_sends_is_text_on_every_page(alice):
    finished, waiting = canary_job(alice.account), canary_job(alice.account, "retryable")
    execute("UPDATE account SET name = %s WHERE id = %s", (SVG, alice.account.id))
    endpoints.create(alice.account.id, f"https://example.com/{SVG}", None, True, clock.now())
    shown = 0

    for path in [*addresses_of(alice, finished), f"/jobs/{waiting.uuid}"]:
        answer = alice.get(path)
        assert answer.status_code == 200, path
        assert SVG not in answer.text, path
        shown += answer.text.count("&lt;svg/onload=alert(1)&gt;")
        for tag, attributes in Markup(answer.text).tags:
            assert not [name for name in attributes if name.startswith("on") or name == "style"], (path, tag)
            assert not (attributes.get("href") or "").lower().startswith("javascript"), (path, tag)
            assert tag != "script" or attributes.get("src", "").startswith("/static/"), path
            assert tag != "img", path

    assert shown > 50


@pytest.mark.parametrize("path", [*PAGES, "/sign-in", "/jobs/99", "/nowhere", "/static/booper.css"])
def test_every_page_carries_the_headers_that_shut_others_out(alice, path):
    headers = alice.get(path, headers={"Accept": "text/html"}).headers

    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert path.startswith("/static") or headers["Cache-Control"] == "no-store"
    assert headers["X-Request-Id"]


@pytest.mark.parametrize("path", ["/jobs/99", "/jobs/0198c0de-0000-7000-8000-000000000000", "/nowhere", "/jobs/x"])
def test_where_there_is_nothing_a_browser_gets_a_page(alice, path):
    answer = alice.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
    assert "Not found" in answer.text


def test_a_program_gets_json_where_there_is_nothing(nobody):
    for path in ("/nowhere", "/api/nowhere"):
        assert nobody.get(path).mimetype == "application/json"
    assert nobody.get("/api/nowhere", headers={"Accept": "text/html"}).mimetype == "application/json"


def posts(app):
    """Every page that takes a form, with its parameters filled in."""
    return sorted(
        {
            re.sub("<[^>]+>", "1", rule.rule)
            for rule in app.url_map.iter_rules()
            if rule.endpoint.startswith("pages.") and "POST" in rule.methods
        }
    )


def test_a_form_without_its_token_changes_nothing(app, alice):
    job = make_job(alice.account, "scheduled", 3600)
    assert len(posts(app)) >= 8

    for path in [*posts(app), f"/jobs/{job.uuid}/cancel"]:
        for token in ("", "wrong"):
            answer = alice.client.post(path, data={"csrf": token, "job": str(job.id), "action": "cancel"})
            assert answer.status_code == 403, path
            assert answer.mimetype == "text/html"
        assert alice.client.post(path).status_code == 403
    assert [row.state for row in type(job).select()] == ["scheduled"]


def test_the_token_of_another_session_is_refused(alice, bob):
    job = make_job(alice.account, "scheduled", 3600)
    assert alice.send(f"/jobs/{job.uuid}/cancel", bob.token()).status_code == 403
    assert alice.send(f"/jobs/{job.uuid}/cancel").status_code == 303


def test_no_form_is_taken_from_whoever_is_not_signed_in(app, nobody):
    for path in posts(app):
        if path != "/sign-in":
            answer = nobody.send(path)
            assert (answer.status_code, answer.location.split("?")[0]) == (303, "/sign-in"), path


def test_looking_changes_nothing(app, alice):
    job = make_job(alice.account, "scheduled", 3600)
    before = type(job).get_by_id(job.id).__data__
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("pages.") and rule.endpoint not in ("pages.static", "pages.stream_logs"):
            alice.get(re.sub("<[^>]+>", job.uuid, rule.rule))
    assert type(job).get_by_id(job.id).__data__ == before
    assert type(job).select().count() == 1


def test_another_accounts_things_are_not_there(app, alice, bob):
    """Each page that names a thing, with the thing's id, answers a stranger as if there were none."""
    job = canary_job(alice.account, "scheduled")
    entry = re.search(r"/logs/([0-9a-f-]{36})", alice.get("/logs").text)[1]
    signing_key = signing_keys.create(alice.account.id, None, clock.now()).uuid
    endpoint = endpoints.create(alice.account.id, f"https://example.com/{SVG}", None, True, clock.now()).uuid
    ids = {"/jobs/": job.uuid, "/logs/": entry, "/keys/": alice.key.uuid, "/signing-keys/": signing_key}
    ids["/endpoints/"] = endpoint
    ids["/schedules/"] = create_schedule(alice.account).id
    now = clock.now()
    ids["/backfills/"] = backfill_store.create(alice.account.id, ids["/schedules/"], now - clock.DAY, now, now).uuid
    ids["/operations/"] = order_operation(alice.account).uuid
    ids["/alerts/"] = make_alert(alice.account).uuid
    ids["/incidents/"] = open_incident(ids["/alerts/"])
    routes = 0
    for rule in app.url_map.iter_rules():
        stem = next((stem for stem in ids if rule.rule.startswith(f"{stem}<")), None)
        if not rule.endpoint.startswith("pages.") or "<key>" not in rule.rule:
            continue
        assert stem, f"add an id for {rule.rule}"
        routes += 1
        path = re.sub("<[^>]+>", ids[stem], rule.rule)
        before = all_rows()
        answer = bob.get(path) if "GET" in rule.methods else bob.send(path)
        assert all_rows() == before, path
        assert answer.status_code == 404, path
        missing = re.sub("<[^>]+>", "0198c0de-0000-7000-8000-000000000000", rule.rule)
        other = bob.get(missing) if "GET" in rule.methods else bob.send(missing)
        cut = re.compile(r"<code>[0-9a-f]{16}</code>")
        assert cut.sub("", other.text) == cut.sub("", answer.text)
    assert routes >= 20
    for path in PAGES:
        assert SVG[1:10] not in bob.get(path).text
    assert bob.get(f"/jobs/new?from={job.uuid}").status_code == 404

    bob.send("/jobs/chosen", action="cancel", job=str(job.id))
    assert type(job).get_by_id(job.id).state == "scheduled"

    bob.send("/jobs/chosen", action="retry", job=str(job.id))
    bob.send("/failures/again", state="discarded", host=SVG, reason=SVG)
    assert type(job).select().where(type(job).schedule_id.is_null()).count() == 1
    assert [each.enabled for each in endpoints.listed(alice.account.id)] == [1]
    assert alice.get("/").status_code == 200


def test_a_database_that_is_away_is_a_page_with_retry_after(alice):
    """A database that is away is a page with a time to come back."""
    go_away()
    answer = alice.get("/jobs")
    assert (answer.status_code, answer.mimetype) == (503, "text/html")
    assert answer.headers["Retry-After"] == "5"
    assert "127.0.0.1" not in answer.text


def test_a_mistake_of_ours_is_a_page_with_an_id(alice, monkeypatch, caplog):
    """A mistake of ours is a page that tells nothing but an id."""
    monkeypatch.setattr("models.operations.overview.upcoming", lambda *_: 1 / 0)
    answer = alice.get("/")
    assert (answer.status_code, answer.mimetype) == (500, "text/html")
    assert answer.headers["X-Request-Id"] in answer.text
    assert answer.headers["X-Request-Id"] in caplog.text
    assert "ZeroDivision" not in answer.text


def test_every_state_has_its_page(alice):
    for state in states.STATES:
        job = make_job(alice.account, state)
        answer = alice.get(f"/jobs/{job.uuid}")
        assert answer.status_code == 200
        assert f'class="state {state}"' in answer.text
        assert ('data-refresh="1"' in answer.text) == (state not in states.FINAL)
