"""The log and its live tail: what appears, for whom, and how many tails there are at once."""

import json
import re
from types import SimpleNamespace

import pytest

from api import held_threads
from api.dashboard import log_stream
from api.dashboard.log_stream import Tail
from api.dashboard.pages import logs
from api.dashboard.sessions import Session
from models.accounts import account_store
from models.jobs import records
from models.jobs.log_entries import LogFilter
from models.rules import clock
from models.rules.times import format_instant
from runtime import signals
from tests.support.documents import ROOT
from tests.support.log_rows import insert_log_rows


@pytest.fixture(autouse=True)
def _own_tails(monkeypatch):
    monkeypatch.setattr(held_threads, "places", held_threads.Places())
    monkeypatch.setattr(log_stream, "LOOK_EVERY_S", 0.01)


def first_look(answer):
    """What a stream tells at first."""
    parts = iter(answer.response)
    return b"".join(next(parts) for _ in range(2)).decode()


def add(account, event="worker.http.request", payload=None, at=None):
    row = records.log_row(account.id, 1, None, event, payload or {"url": "x"}, at or clock.now())
    insert_log_rows([row])
    return row.uuid


def tail_of(browser, log_filter=None):
    return Tail(
        browser.account.id, Session(browser.key.uuid, "t"), log_filter or LogFilter(), clock.now(), lambda row: row.uuid
    )


def test_a_tail_tells_what_appears_after_it_began_once_and_in_order(alice, moved_clock):
    add(alice.account, at=clock.now() - 11 * clock.SECOND)
    tail = tail_of(alice)
    assert tail.new_entries() == []
    moved_clock.advance(seconds=1)
    first = add(alice.account)
    moved_clock.advance(seconds=1)
    second = add(alice.account)
    assert [row.uuid for row in tail.new_entries()] == [first, second]
    assert tail.new_entries() == []


def test_an_entry_whose_transaction_ended_late_is_not_missed(alice, moved_clock):
    tail = tail_of(alice)
    moved_clock.advance(seconds=5)
    add(alice.account)
    assert len(tail.new_entries()) == 1
    late = add(alice.account, at=clock.now() - 2 * clock.SECOND)
    assert [row.uuid for row in tail.new_entries()] == [late]


def test_a_tail_tells_nothing_of_another_account_or_event(alice, bob, moved_clock):
    tail = tail_of(alice, LogFilter(event="worker.http.error"))
    moved_clock.advance(seconds=1)
    add(bob.account, "worker.http.error")
    add(alice.account)
    mine = add(alice.account, "worker.http.error")
    assert [row.uuid for row in tail.new_entries()] == [mine]


def test_a_stream_sends_rows_as_escaped_markup_and_ends_by_itself(alice, monkeypatch):
    steady_s = [0.0]
    monkeypatch.setattr(log_stream, "time", SimpleNamespace(monotonic=lambda: steady_s[0]))

    with alice.client.get("/logs/stream", buffered=False) as answer:
        assert answer.mimetype == "text/event-stream"
        parts = iter(answer.response)
        assert next(parts).startswith(b"retry:")
        add(alice.account, payload={"url": "<svg/onload=alert(1)>"})
        text = next(parts).decode()
        steady_s[0] += log_stream.LASTS_S
        assert list(parts) == []

    (row,) = [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]
    assert row.startswith("<tr id=")
    assert "&lt;svg/onload" in row
    assert "<svg" not in row


def test_a_process_gives_out_few_streams_and_takes_them_back(alice):
    held = [alice.client.get("/logs/stream", buffered=False) for _ in range(2)]
    refused = alice.client.get("/logs/stream")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "5"
    for answer in held:
        answer.close()
    with alice.client.get("/logs/stream", buffered=False) as answer:
        assert answer.status_code == 200


def test_a_stream_ends_when_its_key_is_revoked(alice):
    with alice.client.get("/logs/stream", buffered=False) as answer:
        parts = iter(answer.response)
        next(parts)
        next(parts)
        account_store.revoke_key(alice.key.uuid, clock.now())
        assert list(parts) == []


def test_a_stream_ends_when_its_session_is_signed_out(alice):
    with alice.client.get("/logs/stream", buffered=False) as answer:
        parts = iter(answer.response)
        next(parts)
        next(parts)
        alice.send("/sign-out")
        assert list(parts) == []


def test_a_stream_ends_when_its_process_stops(alice, monkeypatch):
    monkeypatch.setattr(log_stream, "LOOK_EVERY_S", 60)
    monkeypatch.setattr(signals, "stopping", signals.Flag())
    with alice.client.get("/logs/stream", buffered=False) as answer:
        parts = iter(answer.response)
        next(parts)
        next(parts)
        signals.stopping.set()
        assert list(parts) == []


def test_whoever_comes_back_misses_nothing_in_between(alice):
    with alice.client.get("/logs/stream", buffered=False) as answer:
        heard = re.search(r"^id: (\d+)$", first_look(answer), re.MULTILINE)[1]
    mine = add(alice.account)
    for options in ({"headers": {"Last-Event-ID": heard}}, {"query_string": {"since": heard}}):
        with alice.client.get("/logs/stream", buffered=False, **options) as answer:
            assert mine in first_look(answer)


def test_a_tail_goes_on_from_a_recent_instant_alone(app, moved_clock):
    """An instant to come or long ago is no place to go on from."""
    now = clock.now()
    for instant, expected in ((now + 5, now), (0, now - clock.HOUR), ("x", now), (now - 7, now - 7), ("9" * 30, now)):
        with app.test_request_context("/logs/stream", headers={"Last-Event-ID": str(instant)}):
            assert logs.seen_until(now) == expected


def test_nobody_gets_a_stream_without_signing_in(nobody):
    assert nobody.get("/logs/stream").status_code == 303


def test_the_page_shows_the_newest_first_and_takes_filters(alice, moved_clock):
    for event in ("worker.http.request", "worker.http.error"):
        moved_clock.advance(seconds=1)
        add(alice.account, event)
    text = alice.get("/logs").text
    assert text.index(">http.error</span>") < text.index(">http.request</span>")
    assert ">http.request</span>" not in alice.get("/logs?event=worker.http.error").text
    assert ">http.error</span>" in alice.get("/logs?job=1").text
    assert ">http.error</span>" not in alice.get("/logs?job=2").text


def entry_page(browser, **payload):
    return browser.get(f"/logs/{add(browser.account, payload=payload)}").text


@pytest.mark.parametrize("body", ['{"a": [1, "<b>"]}', {"a": [1, "<b>"]}])
def test_an_entry_shows_a_json_body_indented_and_escaped(alice, body):
    text = entry_page(alice, status=200, headers={"Content-Type": "application/json"}, body=body)
    assert "{\n  &#34;a&#34;: [\n    1,\n    &#34;&lt;b&gt;&#34;\n  ]\n}" in text
    assert '<th scope="row">Content-Type</th><td>application/json</td>' in text
    assert '<th scope="row">status</th><td>200</td>' in text


def test_an_entry_shows_a_text_as_it_is(alice):
    """An entry shows a text as it is and leaves out what is not there."""
    text = entry_page(
        alice, method="post", url="https://example.com/", query={}, headers={}, body="{not\njson", attempt=1
    )
    assert "{not\njson</pre>" in text
    for absent in ("query", "headers</h3>", "truncated"):
        assert absent not in text
    assert ">body<" not in entry_page(alice, url="https://example.com/", body={})


@pytest.mark.parametrize(
    ("truncated", "unreadable", "note"),
    [(False, False, None), (True, False, "Only the beginning"), (True, True, "broke the rules of HTTP")],
)
def test_an_entry_says_what_is_missing_of_a_response(alice, truncated, unreadable, note):
    text = entry_page(alice, status=200, body="x", truncated=truncated, unreadable=unreadable)
    assert [words for words in ("Only the beginning", "broke the rules of HTTP") if words in text] == [note] * bool(
        note
    )


def test_the_next_try_is_shown_readable_and_exact(alice):
    """The next try is a time that can be read with the exact one beside it."""
    uuid = add(
        alice.account, "worker.http.error", {"reason": "timeout", "attempt": 1, "next_at": format_instant(clock.SECOND)}
    )
    for text in (alice.get("/logs").text, alice.get(f"/logs/{uuid}").text):
        assert ">1970-01-01 00:00:01 UTC</time>" in text
        assert 'title="1970-01-01 00:00:01.000000 UTC"' in text
        assert "next attempt" in text
        assert not re.search(r">[^<]*1970-01-01T", text)


@pytest.mark.parametrize("query", ["job=12x", "event=No+Event", "cursor=!"])
def test_a_filter_that_cant_be_read_is_told_and_shows_nothing(alice, query):
    uuid = add(alice.account)
    answer = alice.get(f"/logs?{query}")
    assert answer.status_code == 422
    assert f"{query.partition('=')[0]} must be" in answer.text
    assert uuid not in answer.text
    assert "data-tail" not in answer.text


def test_a_stream_with_a_wrong_filter_takes_no_tail(alice):
    """A stream with a filter that can't be read is refused and takes no tail."""
    for _ in range(3):
        assert alice.client.get("/logs/stream?job=abc").status_code == 422
    with alice.client.get("/logs/stream", buffered=False) as answer:
        assert answer.status_code == 200


def test_older_entries_are_on_the_next_page(alice, moved_clock):
    uuids = []
    for _ in range(logs.SHOWN + 1):
        moved_clock.advance(seconds=1)
        uuids.append(add(alice.account))
    first = alice.get("/logs?job=1").text
    assert uuids[1] in first
    assert uuids[0] not in first

    older = re.search('href="(/logs[^"]*)" rel="next"', first)[1].replace("&amp;", "&")
    second = alice.get(older).text
    assert uuids[0] in second
    assert uuids[1] not in second
    assert "job=1" in older
    assert "data-tail" not in second
    assert 'rel="next"' not in second


def test_every_event_of_the_log_can_be_chosen(alice):
    """The two about schedules could not: the page had a list of its own."""
    documented = re.search(r"^Events: (.*?)\.$", (ROOT / "docs/api.md").read_text(), re.MULTILINE | re.DOTALL)[1]
    events = re.findall(r"`(worker\.\w+\.\w+)`", documented)

    page = alice.get("/logs").text
    offered = re.findall(r'<option value="(worker[^"]*)"', page)

    assert len(events) == 11
    assert offered == events


def test_the_reason_of_an_error_is_in_words(alice, moved_clock):
    add(alice.account, "worker.http.error", {"reason": "certificate_expired", "attempt": 2})
    add(alice.account, "worker.http.error", {"reason": "unheard_of", "attempt": 1})
    page = alice.get("/logs").text
    assert "reason: the target&#39;s certificate has expired · attempt: 2" in page
    assert "reason: unheard_of · attempt: 1" in page


def test_an_entry_says_in_words_why_it_failed_and_has_the_name_of_the_list(alice):
    """The list said "http.error" and the words; the entry said "worker.http.error" and the code alone."""
    text = entry_page(alice, reason="name_unknown", attempt=1)
    assert "<code>http.request</code>" in text
    assert "exist in DNS, or leads to no address that may be reached (name_unknown)</td>" in text


def test_a_reason_without_a_code_stays_as_it_is(alice):
    assert "<td>2 of its jobs in a row failed</td>" in entry_page(alice, reason="2 of its jobs in a row failed")


def test_when_a_host_is_probed_is_a_time_of_the_reader(alice):
    """The list and the entry showed the text for programs, in UTC."""
    text = entry_page(alice, host="a.example", next_probe_at="2026-01-01T09:00:00.000000Z")
    for page in (text, alice.get("/logs").text):
        assert 'datetime="2026-01-01T09:00:00.000000Z" data-local' in page
        assert "next probe" in page
        assert "next_probe_at" not in page


def test_a_long_url_takes_two_lines_of_the_list_and_a_short_one_is_not_cut(alice):
    add(alice.account, payload={"method": "post", "url": f"https://example.com/{'a' * 300}"})
    assert 'class="two-lines">POST' in alice.get("/logs").text
    add(alice.account, payload={"method": "get", "url": "https://example.com/a"})
    assert "<span>GET https://example.com/a</span>" in alice.get("/logs").text
