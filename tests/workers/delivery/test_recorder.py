"""From an outcome to the rows that tell of it."""

import json
import threading

import pytest
from peewee import OperationalError

from models.database import transactions
from models.database.connection import connections_in_use, database, dialect
from models.jobs import lifecycle
from models.jobs.job_tables import Attempt, Job, LogEntry
from models.rules import clock
from models.rules.times import format_instant
from tests.support.locks import held_by_another
from tests.support.results import result_of
from tests.support.rows import claim_of, make_job, reread
from tests.support.waiting import wait_until
from workers.delivery import recorder as recording
from workers.delivery.attempt_records import REDACTED, redacted, redacted_pairs
from workers.delivery.recorder import Recorder, record
from workers.transport.outcome import Answered, Refused, Timings, Unreachable

OK = Answered(
    200, [("Content-Type", "text/plain"), ("Set-Cookie", "id=s3cret")], b"fine\x00\xff", False, Timings(total_ms=3.5)
)
ERROR = Answered(503, [], b"", False, Timings())
NO_ANSWER = Unreachable("timeout", "after 30 s", Timings(total_ms=30_000))
BLOCKED = Refused("blocked_address", "10.0.0.1 is private")


def job_and_claim(account, **columns):
    job = make_job(account, **columns)
    return job, claim_of(job)


def log_events_of(job):
    return [row.event for row in LogEntry.select().where(LogEntry.job_id == job.id).order_by(LogEntry.inserted_at)]


@pytest.mark.parametrize(
    ("outcome", "state", "events"),
    [
        (OK, "completed", ["worker.http.request", "worker.http.response"]),
        (ERROR, "retryable", ["worker.http.request", "worker.http.response"]),
        (NO_ANSWER, "retryable", ["worker.http.request", "worker.http.error"]),
        (BLOCKED, "discarded", ["worker.http.request", "worker.http.error", "worker.job.discarded"]),
    ],
)
def test_an_outcome_becomes_a_state_an_attempt_and_log_entries(account, outcome, state, events):
    job, claim = job_and_claim(account)
    record([result_of(claim, outcome)])
    assert reread(job).state == state
    assert log_events_of(job) == events
    assert Attempt.get().outcome == type(outcome).__name__.lower()


@pytest.mark.parametrize(
    ("outcome", "reason", "timings"),
    [
        (Unreachable("dns", "no such name", Timings(dns_ms=2, total_ms=9)), "not_reachable", [None, None, None, 9]),
        (Unreachable("connect", "refused", Timings(dns_ms=2, total_ms=9)), "not_reachable", [None, None, None, 9]),
        (Unreachable("tls", "expired", Timings(2, 3, 4, None, 9)), "not_reachable", [None, None, None, 9]),
        (Unreachable("tls", "", Timings(2, 3, 4, None, 9), "certificate_expired"), "certificate_expired", [2, 3, 4, 9]),
        (Unreachable("reset", "cut off", Timings(2, 3, 4, None, 9)), "reset", [2, 3, 4, 9]),
        (Answered(200, [], b"", False, Timings(2, 3, 4, 5, 9)), None, [2, 3, 4, 9]),
        (BLOCKED, "blocked_address", [None, None, None, None]),
    ],
)
def test_a9_what_was_not_reachable_does_not_tell_by_its_times_how_far_it_came(account, outcome, reason, timings):
    _, claim = job_and_claim(account)
    record([result_of(claim, outcome)])
    row = Attempt.get()
    assert (row.reason, [row.dns_ms, row.connect_ms, row.tls_ms, row.total_ms]) == (reason, timings)


def test_every_part_of_an_attempt_is_on_record(account, moved_clock):
    args = json.dumps({"url": "http://x/", "method": "put", "query": {"q": 1}})
    _, claim = job_and_claim(account, args=args)
    moved_clock.advance(seconds=2)

    record([result_of(claim, Answered(200, [("A", "b")], b"fine", True, Timings(1, 2, 3, 4, 5), True))])

    row = Attempt.get()
    assert (row.dns_ms, row.connect_ms, row.tls_ms, row.first_byte_ms, row.total_ms) == (1, 2, 3, 4, 5)
    assert (row.started_at, row.finished_at) == (claim.attempted_at, clock.now())
    request, response = [json.loads(entry.payload) for entry in LogEntry.select().order_by(LogEntry.inserted_at)]
    sent = {"method": "put", "url": "http://x/", "query": {"q": 1}, "body": {}, "attempt": 1}
    received = {"status": 200, "headers": {"A": "b"}, "body": "fine", "elapsed_ms": 5, "attempt": 1}
    assert response == received | {"truncated": True, "unreadable": True}
    assert {name: request[name] for name in request if name != "headers"} == sent


def test_the_log_line_of_an_attempt_has_its_times_in_milliseconds(account, moved_clock, caplog):
    caplog.set_level("INFO", "booper.attempts")
    _, claim = job_and_claim(account, due_in_s=-1.5)
    record([result_of(claim, OK)])
    [[line]] = [entry.lines for entry in caplog.records if entry.name == "booper.attempts"]
    assert (line["lateness_ms"], line["total_ms"]) == (1500, 3.5)


@pytest.mark.parametrize("attempts", [1, 2])
def test_the_log_entry_of_a_failure_says_when_the_next_attempt_is_if_there_is_one(account, moved_clock, attempts):
    job, claim = job_and_claim(account, max_attempts=attempts)
    record([result_of(claim, NO_ANSWER)])
    payload = json.loads(LogEntry.get(LogEntry.event == "worker.http.error").payload)
    next_at = format_instant(reread(job).scheduled_at) if attempts > 1 else None
    assert payload == {"reason": "timeout", "attempt": 1, "next_at": next_at}


def test_what_the_owner_wants_hidden_is_in_neither_log_entry(account):
    args = json.dumps({"url": "http://x/", "headers": {"X-Mine": "s3cret", "A": "b"}})
    columns = {"args": args, "body": b"s3cret", "content_type": "text/plain", "redact": '["body","x-mine"]'}
    _, claim = job_and_claim(account, **columns)
    record([result_of(claim, Answered(200, [("X-Mine", "s3cret"), ("A", "b")], b"s3cret", False, Timings()))])
    for entry in LogEntry.select():
        shown = json.loads(entry.payload)
        assert (shown["headers"]["X-Mine"], shown["headers"]["A"], shown["body"]) == (REDACTED, "b", REDACTED)


def test_a7_the_log_shows_the_headers_that_went_out_with_those_of_booper(account):
    """It showed those of the order alone: none where eleven were sent."""
    _, claim = job_and_claim(account)
    result = result_of(claim, OK)
    result.request.sent_headers = {"Host": "x", "Webhook-Signature": "v1,s3cret", **result.request.headers}

    record([result])

    shown = json.loads(LogEntry.get(LogEntry.event == "worker.http.request").payload)["headers"]
    assert (shown["Host"], shown["Booper-Attempt"], shown["Idempotency-Key"]) == ("x", "1", claim.uuid)
    assert shown["Webhook-Signature"] == REDACTED


def test_an_answer_with_nul_and_broken_utf8_is_recorded(account):
    job, claim = job_and_claim(account)
    record([result_of(claim, OK)])
    payload = json.loads(LogEntry.get(LogEntry.event == "worker.http.response").payload)
    assert payload["body"] == "fine\x00\ufffd"
    assert payload["elapsed_ms"] == 3.5


def test_secret_looking_headers_are_hidden_in_log_entries(account):
    args = json.dumps(
        {"url": "http://x/", "headers": {"Authorization": "Bearer s3cret", "X-Api-Key": "s3cret", "A": "b"}}
    )
    job, claim = job_and_claim(account, args=args)
    record([result_of(claim, OK)])
    payloads = [row.payload for row in LogEntry.select()]
    assert not any("s3cret" in payload for payload in payloads)
    assert any('"A":"b"' in payload for payload in payloads)


def test_a_group_is_recorded_with_each_jobs_own_verdict(account):
    good, bad = job_and_claim(account), job_and_claim(account)
    record([result_of(good[1], OK), result_of(bad[1], ERROR)])
    assert (reread(good[0]).state, reread(bad[0]).state) == ("completed", "retryable")
    assert reread(bad[0]).scheduled_at >= clock.now() + 16 * clock.SECOND


@pytest.mark.parametrize(
    ("judging", "outcome", "state", "reason"),
    [
        ({"success": {"status": ["503"]}}, ERROR, "completed", None),
        ({"success": {"body": "fine"}}, OK, "completed", None),
        ({"success": {"body": "done"}}, OK, "retryable", "unexpected_body"),
        ({"success": {"body": "done"}, "stop_on": ["2xx"]}, OK, "discarded", "unexpected_body"),
        ({"stop_on": ["5xx"]}, ERROR, "discarded", "status_503"),
        ({"stop_on": ["4xx"]}, ERROR, "retryable", "status_503"),
    ],
)
def test_the_owner_of_a_job_says_what_its_success_and_its_end_are(account, judging, outcome, state, reason):
    job, claim = job_and_claim(account, judging=json.dumps(judging))

    record([result_of(claim, outcome)])

    assert (reread(job).state, Attempt.get().reason) == (state, reason)


@pytest.mark.parametrize(("longest_us", "wait_s"), [(clock.DAY, 7200), (clock.MINUTE, 60)])
def test_a_target_puts_a_job_off_for_as_long_as_the_operator_allows(account, moved_clock, longest_us, wait_s):
    job, claim = job_and_claim(account, retry_until=clock.now() + wait_s * clock.SECOND)

    record([result_of(claim, Answered(500, [("Retry-After", "7200")], b"", False, Timings()))], longest_us=longest_us)

    assert reread(job).scheduled_at == clock.now() + wait_s * clock.SECOND


def test_a_recorder_keeps_to_what_the_operator_allows(account, moved_clock):
    job, claim = job_and_claim(account)
    recorder = Recorder(longest_us=clock.MINUTE)

    recorder._try([result_of(claim, Answered(500, [("Retry-After", "7200")], b"", False, Timings()))])

    assert clock.MINUTE <= reread(job).scheduled_at - clock.now() < 2 * clock.MINUTE


def test_a_stale_holder_records_nothing(account, moved_clock):
    job, stale = job_and_claim(account, timeout_ms=1000)
    moved_clock.advance(seconds=60)
    lifecycle.rescue(clock.now())
    record([result_of(stale, OK)])
    assert reread(job).state == "available"
    assert Attempt.select().count() == LogEntry.select().count() == 0


def test_the_attempt_of_a_job_cancelled_under_way_is_recorded(account):
    job, claim = job_and_claim(account)
    lifecycle.cancel([job.id], clock.now(), waiting_only=False)
    record([result_of(claim, OK)])
    assert reread(job).state == "cancelled"
    assert Attempt.get().status_code == 200


@pytest.mark.parametrize("outcome", [ERROR, BLOCKED])
def test_a_job_cancelled_under_way_that_fails_is_neither_discarded_nor_tried_again(account, outcome):
    """The log said that it was discarded, after it had said that it was cancelled."""
    job, claim = job_and_claim(account)
    lifecycle.cancel([job.id], clock.now(), waiting_only=False)

    record([result_of(claim, outcome)])

    assert (reread(job).state, reread(job).claim_id, reread(job).lease_until) == ("cancelled", None, None)
    assert "worker.job.discarded" not in log_events_of(job)
    assert Attempt.get().next_at is None
    assert '"next_at":"' not in "".join(row.payload for row in LogEntry.select())


def test_the_operators_lines_say_what_came_into_effect_and_which_claims_held(account, moved_clock, caplog):
    caplog.set_level("INFO", "booper.attempts")
    _, stale = job_and_claim(account, timeout_ms=1000)
    moved_clock.advance(seconds=60)
    lifecycle.rescue(clock.now())
    cancelled, claim = job_and_claim(account)
    lifecycle.cancel([cancelled.id], clock.now(), waiting_only=False)

    record([result_of(stale, ERROR), result_of(claim, ERROR)])

    [lines] = [entry.lines for entry in caplog.records if entry.name == "booper.attempts"]
    said = {line["job_id"]: (line["verdict"], line["held"]) for line in lines}
    assert said == {stale.id: ("retry", False), claim.id: ("stopped", True)}


@pytest.mark.parametrize("order", [1, -1])
def test_c3_of_two_claims_of_a_job_in_one_group_the_present_one_alone_is_recorded(account, moved_clock, order):
    """A process stood still beyond a lease and claimed the job again. Both results were recorded: two callbacks with
    two keys."""
    notify = json.dumps({"callback": "http://127.0.0.1:9/told"})
    job, stale = job_and_claim(account, timeout_ms=1000, notify=notify)
    moved_clock.advance(seconds=60)
    lifecycle.rescue(clock.now())
    present = claim_of(job)

    group = [result_of(stale, ERROR), result_of(present, OK)][::order]
    recorded = record(group)

    assert [each.result.job.claim_id for each in recorded] == [present.claim_id]
    assert (reread(job).state, [row.number for row in Attempt.select()]) == ("completed", [2])
    assert Job.select().where(Job.kind == "callback").count() == 1
    assert log_events_of(job) == ["worker.http.request", "worker.http.response"]


def test_results_wait_for_a_database_that_is_gone(account, monkeypatch):
    monkeypatch.setattr(recording, "WAIT_FOR_DATABASE_S", 0.01)
    job, claim = job_and_claim(account)
    failures = iter([OperationalError("gone"), OperationalError("gone")])

    def flaky(group, *rest, really=record):
        for error in failures:
            raise error
        really(group, *rest)

    monkeypatch.setattr(recording, "record", flaky)
    recorder = Recorder()
    recorder.start()
    recorder.put([result_of(claim, OK)])
    recorder.stop(10)
    assert reread(job).state == "completed"


@pytest.mark.parametrize(("cuts", "tries"), [(1, [3, 3]), (2, [3, 3, 1, 2])])
def test_results_whose_connection_was_cut_are_recorded_together_at_once(account, db, monkeypatch, cuts, tries):
    """Each was tried alone, with a pause of a second after each further cut: leases ended meanwhile, and requests that
    had been answered went out again."""
    if dialect() != "postgresql":
        pytest.skip("SQLite has no connection that could be cut")
    monkeypatch.setattr(recording, "WAIT_FOR_DATABASE_S", 3600)
    groups, results = [], [result_of(job_and_claim(account)[1], OK) for _ in range(3)]

    def cut(group, *rest, really=recording.record):
        groups.append(len(group))
        if len(groups) <= cuts:
            database.connection().close()
        return really(group, *rest)

    monkeypatch.setattr(recording, "record", cut)
    recorder = Recorder()
    recorder.put(results)
    recorder.start()

    wait_until(lambda: Job.select().where(Job.state == "completed").count() == 3)
    recorder.stop(10)
    assert groups == tries


def test_a_result_that_ends_each_connection_does_not_hold_up_those_of_its_group(account, db, monkeypatch):
    """As one does that the database can't take in time. Its group was retried as a whole, for ever."""
    if dialect() != "postgresql":
        pytest.skip("SQLite has no connection that could be cut")
    monkeypatch.setattr(recording, "WAIT_FOR_DATABASE_S", 0.01)
    is_poison = threading.Event()
    is_poison.set()
    poison, *good = (job_and_claim(account) for _ in range(6))

    def cut(group, *rest, really=recording.record):
        if is_poison.is_set() and poison[0].id in [result.job.id for result in group]:
            database.connection().close()
        return really(group, *rest)

    monkeypatch.setattr(recording, "record", cut)
    recorder = Recorder()
    recorder.put([result_of(claim, OK) for _, claim in (poison, *good)])
    recorder.start()

    wait_until(lambda: Job.select().where(Job.state == "completed").count() == 5)
    assert reread(poison[0]).state == "executing"
    is_poison.clear()
    recorder.stop(10)
    assert reread(poison[0]).state == "completed"


def test_results_are_kept_together_while_the_database_can_not_be_reached(account, db, monkeypatch):
    """They may wait for long, and are many: one by one they would take much longer than together."""
    monkeypatch.setattr(recording, "WAIT_FOR_DATABASE_S", 0.01)
    groups, failures = [], iter([OperationalError("gone")] * 5)

    def refused(really=recording.connect_and_keep):
        for failure in failures:
            raise failure
        really()

    def recorded(group, *rest, really=recording.record):
        groups.append(len(group))
        return really(group, *rest)

    monkeypatch.setattr(recording, "connect_and_keep", refused)
    monkeypatch.setattr(recording, "record", recorded)
    results = [result_of(job_and_claim(account)[1], OK) for _ in range(3)]
    recorder = Recorder()
    recorder.put(results)
    recorder.start()

    wait_until(lambda: Job.select().where(Job.state == "completed").count() == 3)
    recorder.stop(10)
    assert groups == [3]


def test_a_row_that_another_session_has_locked_keeps_back_its_own_result_alone(account, db, monkeypatch):
    """Its group was tried again and again before any other: a process sent nothing for as long as the lock lasted."""
    monkeypatch.setattr(transactions, "BRIEFLY_MS", 1)
    monkeypatch.setattr(recording, "WAIT_FOR_DATABASE_S", 0.01)
    locked, beside, later = (job_and_claim(account) for _ in range(3))
    recorder = Recorder()
    for _, claim in (locked, beside):
        recorder.put([result_of(claim, OK)])
    with held_by_another(db, locked[0]):
        recorder.start()
        wait_until(lambda: reread(beside[0]).state == "completed")
        recorder.put([result_of(later[1], OK)])
        wait_until(lambda: reread(later[0]).state == "completed")
        assert reread(locked[0]).state == "executing"
    recorder.stop(10)
    assert reread(locked[0]).state == "completed"


def test_who_claims_waits_until_few_results_wait_to_be_recorded(account, monkeypatch):
    """Long answers were got three times as fast as they were written down: they filled the memory, their leases ended,
    and thousands of requests were sent again."""
    monkeypatch.setattr(recording, "MAX_WAITING", 2)
    recorder = Recorder()
    recorder.put([result_of(job_and_claim(account)[1], OK)])
    assert recorder.keeps_up(0)
    recorder.put([result_of(job_and_claim(account)[1], OK)])
    assert not recorder.keeps_up(0)
    recorder.start()
    assert recorder.keeps_up(10)
    recorder.stop(10)


def test_o2_who_claims_waits_until_the_recorder_has_a_connection(db, monkeypatch):
    """Behind a pooler with few connections a quarter of the jobs was sent again: claims had taken them all."""
    refused, really = [OperationalError("no connection is free")], recording.connect_and_keep
    monkeypatch.setattr(recording, "connect_and_keep", lambda: really() if not refused else raising(refused[0]))
    monkeypatch.setattr(recording, "WAIT_FOR_DATABASE_S", 0.01)
    recorder = Recorder()
    recorder.start()
    assert not recorder.keeps_up(0.05)

    refused.clear()

    assert recorder.keeps_up(10)
    recorder.stop(10)


def raising(error):
    raise error


def test_o2_who_claims_waits_once_the_recorder_has_lost_its_connection(account, monkeypatch, caplog):
    recorder, (_, claim) = Recorder(), job_and_claim(account)
    assert recorder.keeps_up(0)
    with monkeypatch.context() as broken:
        broken.setattr(recording, "connect_and_keep", lambda: (_ for _ in ()).throw(OperationalError("gone")))
        recorder._record([result_of(claim, OK)])
    assert "database not usable (gone): 1 results kept" in caplog.text
    assert not recorder.keeps_up(0)

    recorder._try([])

    assert recorder.keeps_up(0)


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
def test_the_recorder_keeps_its_connection_until_it_ends(db):
    before = connections_in_use()
    recorder = Recorder()
    recorder.start()
    assert recorder.keeps_up(10)
    assert connections_in_use() == before + 1

    recorder.stop(10)

    assert connections_in_use() == before


def test_one_result_that_can_not_be_recorded_does_not_hold_up_the_others(account, monkeypatch):
    good, poison = job_and_claim(account), job_and_claim(account)

    def choosy(group, *rest, really=record):
        if any(result.job.id == poison[0].id for result in group):
            raise ValueError("unrecordable")
        really(group, *rest)

    monkeypatch.setattr(recording, "record", choosy)
    recorder = Recorder()
    recorder.put([result_of(poison[1], OK)])
    recorder.put([result_of(good[1], OK)])
    recorder.start()
    recorder.stop(10)
    assert (reread(good[0]).state, reread(poison[0]).state) == ("completed", "executing")


def test_the_results_behind_one_that_the_database_did_not_take_are_recorded_all_the_same(account, monkeypatch):
    """The group could not be written, and the database went away for the second of its results."""
    monkeypatch.setattr(recording, "WAIT_FOR_DATABASE_S", 3600)
    jobs = [job_and_claim(account) for _ in range(3)]

    def failing(group, *rest, really=record):
        if len(group) > 1:
            raise ValueError("unrecordable")
        if group[0].job.id == jobs[1][0].id:
            raise OperationalError("gone")
        return really(group, *rest)

    monkeypatch.setattr(recording, "record", failing)
    recorder = Recorder()
    for _, claim in jobs:
        recorder.put([result_of(claim, OK)])
    recorder.start()

    wait_until(lambda: reread(jobs[2][0]).state == "completed")
    recorder.stop(0)
    assert [reread(job).state for job, _ in jobs] == ["completed", "executing", "completed"]


@pytest.mark.parametrize(
    "name",
    ["Authorization", "X-Auth-Key", "Ocp-Apim-Subscription-Key", "X_Api_Key", "X-Session-Id", "X-JWT", "X-Passwd"],
)
def test_a_header_whose_name_looks_secret_is_hidden(name):
    assert redacted({name: "canary"}, frozenset()) == {name: REDACTED}


def test_what_is_no_secret_is_shown_and_repeated_headers_together():
    shown = redacted_pairs([("Idempotency-Key", "a"), ("Via", "1"), ("Via", "2")], frozenset())
    assert shown == {"Idempotency-Key": "a", "Via": "1, 2"}


@pytest.mark.parametrize(("minutes", "is_counted_at_start"), [(14, True), (110, False)])
def test_the_statistics_count_a_long_attempt_when_it_ends(account, moved_clock, minutes, is_counted_at_start):
    """The heartbeat has dropped the minute in which it began, and would begin its count anew."""
    _, claim = job_and_claim(account, timeout_ms=7_200_000)
    moved_clock.advance(minutes=minutes)
    [judged] = record([result_of(claim, OK)])
    counted_at = recording.recorded_of(judged).attempted_at
    assert counted_at == (claim.attempted_at if is_counted_at_start else clock.now())


def test_a_recorder_that_is_told_to_stop_while_it_connects_ends_at_once(db, monkeypatch):
    """It waited for results until its grace was over."""
    connecting, ordered = threading.Event(), threading.Event()
    connect = recording.connect_and_keep

    def connect_slowly():
        connecting.set()
        ordered.wait(5)
        connect()

    monkeypatch.setattr(recording, "connect_and_keep", connect_slowly)
    recorder = Recorder()
    recorder.start()
    assert connecting.wait(5)
    stopping = threading.Thread(target=recorder.stop, args=(30,), daemon=True)
    stopping.start()
    wait_until(lambda: recorder._is_stopping)

    ordered.set()

    stopping.join(5)
    assert not stopping.is_alive()
