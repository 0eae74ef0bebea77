"""Each cell of a list that a command prints, from rows in which no two members are equal; and what is told of a watched
job."""

import json
from types import SimpleNamespace

import pytest

from booper import cli
from booper_client._sync import transport
from booper_client.cli.commands import run_command
from booper_client.cli.output import Output
from booper_client.models.jobs import Attempt
from booper_client.requests_out import Answer

AT = {n: f"2026-01-0{n}T00:00:00Z" for n in range(1, 8)}
ATTEMPT = {
    **{"number": 3, "started_at": AT[1], "finished_at": AT[2], "outcome": "answered", "lateness_ms": 4.5},
    **{"status_code": 503, "reason": "status_503", "first_byte_ms": 6.5, "total_ms": 7.5, "next_at": AT[3]},
}
JOB = {
    **{"id": "j-1", "job_id": 7, "args": {"method": "post", "url": "https://a.example/"}, "name": "report"},
    **{"inserted_at": AT[1], "user_id": "u", "kind": "request", "last_attempt": ATTEMPT},
    "job": {"id": 7, "state": "retryable", "inserted_at": AT[1], "scheduled_at": AT[2], "attempted_at": AT[3]},
}
OF_GROUP = {**JOB, "args": {"group": "shops"}, "last_attempt": None}
SCHEDULE = {
    **{"id": "s-1", "key": "daily", "name": "report", "inserted_at": AT[1], "user_id": "u", "disabled_at": None},
    **{"frequency": {"cron": "0 9 * * *", "timezone": "Asia/Tokyo"}, "args": {"method": "put", "group": "shops"}},
    "health": {"state": "late", "failures_in_a_row": 2, "next_at": AT[4]},
}
FLOW = {
    **{"key": "shop", "pinned": True, "waiting": 2, "under_way": 3, "rate": 10, "per_seconds": 0.5},
    **{"concurrency": 4, "next_at": AT[5], "inserted_at": AT[1], "paused": None, "closed_until": None},
}
OPERATION = {
    **{"id": "o-1", "action": "retry", "state": "running", "filter": {}, "limit": 9, "done": 1, "failed": 2},
    **{"left": 3, "more_left": True, "inserted_at": AT[6]},
}
BACKFILL = {
    **{"id": "b-1", "schedule_id": "s-1", "state": "running", "instants": 9, "made": 4, "passed_over": 3, "left": 2},
    "inserted_at": AT[6],
}
GROUP = {
    **{"state": "discarded", "host": "a.example", "reason": "timeout", "jobs": 12, "more": False},
    **{"latest_at": AT[3], "latest_job_id": 7},
}
RUN = {"fire_at": AT[1], "status": "late", "decided_at": AT[2], "job_id": 7, "lateness_ms": 1.5, "count": 1}
RUNS = {"fire_at": AT[1], "status": "missed_down", "decided_at": AT[2], "until": AT[3], "count": 48}
ENTRY = {"id": "l-1", "event": "worker.http.error", "job_id": 7, "inserted_at": AT[2], "user_id": "u"}
INCIDENT = {
    **{"id": "i-1", "alert": "ops", "type": "failed", "title": "a failed", "detail": "d", "subject": "s"},
    **{"subjects": 1, "flapping": False, "opened_at": AT[2], "acknowledged_at": AT[3]},
}
ALERT = {
    **{"id": "a-1", "name": "ops", "on": ["failed", "late"], "scope": {"flow": "shop"}, "after": 2, "enabled": True},
    **{"to": [{"email": "ops@example.com"}, {"slack": "hooks…"}], "inserted_at": AT[1]},
}
ENDPOINT = {"id": "e-1", "url": "https://a.example/", "enabled": False, "types": ["job.started"], "inserted_at": AT[1]}
CALENDAR = {"name": "plant", "schedules": 2, "size": 3, "inserted_at": AT[1], "updated_at": AT[2]}
TARGETS = {"name": "shops", "size": 3, "inserted_at": AT[1], "updated_at": AT[2]}


@pytest.fixture
def printed(monkeypatch, capsys):
    """A function: what a command prints in a pipe when the server answers with these rows."""

    def run(words, *rows):
        body = json.dumps({"data": list(rows)}).encode()
        monkeypatch.setattr(transport.Transport, "send", lambda *_: Answer(200, {}, body))
        monkeypatch.setenv("BOOPER_API_KEY", "sk_x")
        assert cli.main([*words.split(), "-o", "plain"]) == 0
        return [line.split("\t") for line in capsys.readouterr().out.splitlines()]

    return run


@pytest.mark.parametrize(
    ("words", "row", "cells"),
    [
        ("jobs list", JOB, ["7", "retryable", AT[2], "POST", "https://a.example/", "report", "j-1"]),
        ("jobs list", OF_GROUP, ["7", "retryable", AT[2], "GET", "shops", "report", "j-1"]),
        ("jobs attempts j-1", ATTEMPT, ["3", AT[1], "answered", "503", "status_503", "7.5", "4.5", AT[3]]),
        ("failures", JOB, ["7", "retryable", "3", "503, status_503", AT[3], "POST", "https://a.example/", "j-1"]),
        ("failures", OF_GROUP, ["7", "retryable", "", "", "", "GET", "", "j-1"]),
        ("failures --groups", GROUP, ["discarded", "a.example", "timeout", "12", AT[3], "7"]),
        (
            "failures --groups",
            {**GROUP, "more": True},
            ["discarded", "a.example", "timeout", "12+", AT[3], "7"],
        ),
        (
            "schedules list",
            SCHEDULE,
            ["daily", "late", AT[4], "0 9 * * * Asia/Tokyo", "PUT group shops", "report", "s-1"],
        ),
        (
            "schedules list",
            {**SCHEDULE, "frequency": {"repeat_every": [5, "minutes"]}, "health": None, "args": {"url": "https://b/"}},
            ["daily", "enabled", "", "every 5 minutes", "GET https://b/", "report", "s-1"],
        ),
        ("schedules runs daily", RUN, [AT[1], "late", "7", "1.5", "1"]),
        ("schedules runs daily", RUNS, [AT[1], "missed_down", "", "", "48"]),
        ("schedules backfills daily", BACKFILL, ["running", "9", "4", "3", "2", AT[6], "b-1"]),
        ("flows list", FLOW, ["shop", "open", "2", "3", "10 per 0.5 s", "4", AT[5]]),
        ("flows list", {**FLOW, "rate": None}, ["shop", "open", "2", "3", "", "4", AT[5]]),
        ("operations list", OPERATION, ["running", "retry", "1", "3", "2", AT[6], "o-1"]),
        ("logs list", {**ENTRY, "payload": {"reason": "r", "url": "u"}}, [AT[2], "worker.http.error", "7", "u", "l-1"]),
        ("logs list", {**ENTRY, "payload": {"reason": "r"}}, [AT[2], "worker.http.error", "7", "r", "l-1"]),
        ("logs list", {**ENTRY, "payload": {"a": "ö"}}, [AT[2], "worker.http.error", "7", '{"a": "ö"}', "l-1"]),
        ("incidents list", INCIDENT, ["acknowledged", AT[2], "failed", "ops", "a failed", "i-1"]),
        (
            "alerts list",
            ALERT,
            ["ops", "enabled", "flow shop", "failed, late", "email ops@example.com, slack hooks…", "a-1"],
        ),
        (
            "alerts list",
            {**ALERT, "scope": {"account": True}, "on": [], "to": []},
            ["ops", "enabled", "account", "", "", "a-1"],
        ),
        ("endpoints list", ENDPOINT, ["e-1", "disabled", "job.started", AT[1], "https://a.example/"]),
        ("calendars list", CALENDAR, ["plant", "3", "2", AT[2]]),
        ("groups list", TARGETS, ["shops", "3", AT[2]]),
    ],
)
def test_a_cell_holds_what_its_column_says(printed, words, row, cells):
    assert printed(words, row) == [cells]


@pytest.mark.parametrize("state", ["completed", "discarded", "cancelled"])
def test_each_attempt_of_a_watched_job_is_told_once_and_the_exit_code_says_how_it_ended(monkeypatch, capsys, state):
    attempts = [None, 1, 1, 2, 2, 3]
    states = [*["retryable"] * 5, state]
    monkeypatch.setattr(run_command, "time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr(run_command.job_views, "show", lambda *_: None)

    def look(_, expand):
        assert expand == "last_attempt"
        number, now = attempts.pop(0), states.pop(0)
        last = number and Attempt(raw={}, **{**ATTEMPT, "number": number})
        return SimpleNamespace(last_attempt=last, state=now, is_final=now == state)

    jobs = SimpleNamespace(get=look)
    session = SimpleNamespace(client=SimpleNamespace(jobs=jobs), output=Output("table"))

    assert run_command.watched(session, None) == (0 if state == "completed" else 1)
    assert capsys.readouterr().err.splitlines() == [f"Attempt {number}: 503, status_503" for number in (1, 2, 3)]
