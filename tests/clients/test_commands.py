"""`booper` as a client: each command against a live server, its output in a pipe, and its exit codes."""

import json

import pytest

from booper_client import Client
from booper_client.cli import failures

URL = "https://example.com/hook"

TO = ["--to", f"webhook={URL}"]
WITH_SELF = [
    [*words, "--field", "self=1"]
    for words in (
        ["run", "get", URL],
        ["run", "get", "--group", "shops"],
        ["jobs", "retry", "1"],
        ["schedules", "create", "get", URL, "--cron", "@daily"],
        ["schedules", "update", "s"],
        ["alerts", "create", "a", *TO],
        ["alerts", "update", "a"],
    )
]


def cells(run):
    return [line.split("\t") for line in run.out.splitlines()]


def fields(run):
    return dict(line.split("\t") for line in run.out.splitlines())


@pytest.fixture
def api(server, key):
    with Client(server.url, key) as client:
        yield client


def test_run_orders_a_request_with_all_that_the_options_say(booper, api):
    words = ["-d", "name=Ada", "-d", "age:=36", "-H", "X-A: b: c", "--in", "30 minutes", "--label", "a", "--label", "b"]
    limits = ["--flow", "shop", "--rate", "10/1m", "--concurrency", "3", "--lane", "l", "--timeout", "5", "--name", "n"]

    shown = booper("run", "POST", URL, *words, *limits, "-o", "json")

    assert shown.code == 0, shown.err
    assert json.loads(shown.out)["args"] == {
        "method": "post",
        "url": URL,
        "body": {"name": "Ada", "age": 36},
        "headers": {"X-A": "b: c"},
        "schedule_in": [30, "minutes"],
        "labels": ["a", "b"],
        "flow": {"key": "shop", "rate": 10, "per": "1m", "concurrency": 3},
        "lane": "l",
        "timeout": 5.0,
        "name": "n",
    }


@pytest.mark.parametrize(
    ("words", "member", "value"),
    [
        (["--in", "90s"], "schedule_in", "90s"),
        (["--in", "30"], "schedule_in", 30),
        (["--in", "1.5"], "schedule_in", 1.5),
        (["--at", "2027-01-31T09:00:00Z"], "scheduled_at", "2027-01-31T09:00:00Z"),
        (["--every", "5 minutes"], "repeat_every", [5, "minutes"]),
        (["--cron", "0 9 * * 1-5", "--timezone", "Europe/Berlin"], "timezone", "Europe/Berlin"),
        (["--json", "[1]"], "body", [1]),
        (["--max-attempts", "3"], "max_attempts", 3),
        (["--callback-url", URL], "callback_url", URL),
    ],
)
def test_an_option_of_run_is_a_field_of_the_api(booper, words, member, value):
    shown = booper("run", "get", URL, *words, "-o", "json")

    assert shown.code == 0, shown.err
    assert json.loads(shown.out)["args"][member] == value


def test_a_field_without_an_option_of_its_own_is_sent_as_it_is_said(booper):
    more = ["--field", "max_age=1h", "--field", "stop_on:=[404]"]

    args = json.loads(booper("run", "POST", URL, *more, "-o", "json").out)["args"]

    assert args == {"method": "post", "url": URL, "max_age": "1h", "stop_on": [404]}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["run", "get", URL, "--field", "stop_on:=nope"], "must be JSON"),
        (["run", "get", URL, "--field", "max_age"], "must be NAME=VALUE or NAME:=JSON"),
        (["run", "get", URL, "--field", "once=x"], "once is no field"),
        (["run", "get", URL, "--field", "colour=red"], "colour"),
        (["schedules", "update", "s", "--field", "schedule=x"], "schedule is no field"),
        *[(words, "self is no field") for words in WITH_SELF],
        (["run", "get", URL, "--field", "url=x"], "URL sets url: use that instead"),
        (["run", "get", URL, "--field", "method=put"], "METHOD sets method"),
        (["run", "get", URL, "--field", "group=shops"], "--group sets group"),
        (["run", "get", URL, "--field", "max_attempts:=3"], "--max-attempts sets max_attempts"),
        (["run", "get", URL, "--field", "idempotency_key=k"], "--key sets idempotency_key"),
        (["run", "get", URL, "--field", "schedule_in=1h"], "--in sets schedule_in"),
        (["run", "get", URL, "--field", "body:=1"], "--data, --json or --body-file sets body"),
        (["schedules", "create", "get", URL, "--field", "cron=@daily"], "--cron sets cron"),
        (["schedules", "create", "get", URL, "--field", "url=x"], "URL sets url"),
        (["schedules", "update", "s", "--field", "url=x"], "--url sets url"),
        (["alerts", "create", "a", *TO, "--field", "name=b"], "NAME sets name"),
        (["alerts", "create", "a", *TO, "--field", "after:=2"], "--after sets after"),
        (["alerts", "create", "a", *TO, "--host", "h", "--field", "scope:=1"], "--host sets scope"),
        (["alerts", "update", "a", "--field", "enabled:=false"], "--enable/--disable sets enabled"),
        (["run", "get", URL, "--timeout", "0"], "--timeout: must be from 1 to"),
        (["run", "get", URL, "--max-attempts", "0"], "--max-attempts: must be"),
        (["run", "get", URL, "--header", "a b: c"], "--header a b: must be"),
        (["run", "get", URL, "--flow", "f", "--rate", "0/1m"], "--rate: must be"),
        (["schedules", "create", "get", URL, "--cron", "@daily", "--timezone", "Mars"], "--timezone: must be"),
        # An option of this name does not exist there, or sets something else.
        (
            ["schedules", "create", "get", URL, "--cron", "@daily", "--field", "idempotency_key=k"],
            "idempotency_key: unk",
        ),
        (["alerts", "create", "a", *TO, "--repeat-every", "nonsense"], "--repeat-every: must be"),
        (["flows", "set", "f", "--rate", "0/1m"], "--rate: must be"),
        (["run", "get"], "a URL, or --group NAME"),
        (["run", "get", URL, "--group", "shops"], "a URL, or --group NAME"),
        (["run", "get", "--group", "shops", "--watch"], "--group makes several"),
        (["schedules", "create", "get", "--cron", "@daily"], "a URL, or --group NAME"),
    ],
)
def test_what_can_not_be_ordered_is_refused_with_the_reason(booper, words, problem):
    run = booper(*words)
    assert run.code != 0
    assert problem in " ".join(run.err.split())


def test_a_group_of_targets_takes_the_place_of_a_url(booper, api):
    api.groups.put("shops", [{"name": "a", "url": f"{URL}/a"}, {"name": "b", "url": f"{URL}/b"}])

    jobs = booper("run", "post", "--group", "shops", "--in", "1h")
    made = booper("schedules", "create", "post", "--group", "shops", "--key", "all", "--cron", "@daily")
    other = api.schedules.create(group="shops", cron="@hourly")

    assert [f"{URL}/{name}" in jobs.out for name in "ab"] == [True, True], jobs.err
    assert made.code == 0, made.err
    assert api.schedules.get("all").args["group"] == other.args["group"] == "shops"


def test_a_job_is_run_again_with_another_field(booper, api):
    job = api.jobs.create(URL, schedule_in="1h")

    booper("jobs", "retry", job.id, "--field", f"url={URL}/other")

    assert next(iter(api.jobs.list())).url == f"{URL}/other"


def test_a_body_may_come_from_a_file_as_json_or_as_bytes(booper, tmp_path):
    (tmp_path / "a.json").write_text('{"ä": 1}')

    as_json = booper("run", "post", URL, "--json", f"@{tmp_path}/a.json", "--in", "1h", "-o", "json")
    as_bytes = booper("run", "post", URL, "--body-file", f"{tmp_path}/a.json", "--in", "1h", "-o", "json")

    assert json.loads(as_json.out)["args"]["body"] == {"ä": 1}
    assert json.loads(as_bytes.out)["args"]["body_base64"] == "eyLDpCI6IDF9"


def test_run_with_watch_ends_with_the_job(booper, receiver):
    good = booper("run", "get", f"{receiver.url}/", "--watch")
    bad = booper("run", "get", f"{receiver.url}/status/500", "--max-attempts", "1", "--watch")

    assert (good.code, fields(good)["state"]) == (0, "completed")
    assert (bad.code, fields(bad)["state"]) == (failures.FAILED, "discarded")
    assert fields(bad)["last attempt"] == "number 1: 500, status_500"


def test_jobs_are_listed_as_lines_with_tabs(booper, api):
    jobs = [api.jobs.create(URL, schedule_in=3600, name=name) for name in ("a", "b\tc\n\x1b[31m")]

    listed = booper("jobs", "list", "--state", "scheduled")

    assert [row[0] for row in cells(listed)] == [str(job.job_id) for job in reversed(jobs)]
    assert cells(listed)[0][1:6] == [
        "scheduled",
        jobs[1].scheduled_at.isoformat().replace("+00:00", "Z"),
        "GET",
        URL,
        r"b\tc\n\x1b[31m",
    ]


def test_a_list_has_as_many_rows_as_asked_for(booper, api):
    api.jobs.create_many([{"url": URL, "schedule_in": 3600}] * 130)

    assert len(cells(booper("jobs", "list"))) == 20
    assert len(cells(booper("jobs", "list", "-n", "120"))) == 120
    assert len(json.loads(booper("jobs", "list", "--all", "--json").out)) == 130


def test_a_job_is_shown_explained_cancelled_and_retried(booper, api):
    job = api.jobs.create(URL, schedule_in=3600, name="a")

    assert fields(booper("jobs", "get", job.id))["name"] == "a"
    assert cells(booper("jobs", "explain", str(job.job_id)))[0][0] == "not_due"
    assert booper("jobs", "cancel", job.id).out == f"{job.job_id} cancelled\n"
    assert cells(booper("jobs", "retry", job.id))[0][0].split(" ")[1] == "available"
    assert booper("jobs", "attempts", job.id).out == ""
    assert fields(booper("jobs", "watch", job.id))["state"] == "cancelled"


def test_attempts_are_lines(booper, api, receiver):
    job = api.jobs.create(f"{receiver.url}/")
    api.jobs.wait(job, every_seconds=0.02)

    assert [row[0::2][:2] for row in cells(booper("jobs", "attempts", job.id))] == [["1", "answered"]]


def test_a_schedule_is_made_changed_and_deleted(booper, api):
    made = booper("schedules", "create", "post", URL, "--key", "k", "--cron", "0 9 * * *", "--timezone", "Asia/Tokyo")
    assert (made.code, fields(made)["frequency"]) == (0, "0 9 * * * Asia/Tokyo"), made.err

    booper("schedules", "update", "k", "--cron", "30 9 * * *", "--name", "n")

    assert fields(booper("schedules", "get", "k"))["frequency"] == "30 9 * * * Asia/Tokyo"
    assert fields(booper("schedules", "get", "k"))["name"] == "n"
    assert cells(booper("schedules", "list"))[0][:2] == ["k", "enabled"]
    assert booper("schedules", "disable", "k").out == "k disabled\n"
    assert cells(booper("schedules", "list"))[0][1] == "disabled"
    assert booper("schedules", "enable", "k").code == 0
    assert fields(booper("schedules", "run", "k"))["request"] == f"POST {URL}"
    assert booper("schedules", "runs", "k").code == 0
    assert booper("schedules", "delete", "k").code == failures.WRONG_USE
    assert booper("schedules", "delete", "k", "--yes").out == "k deleted\n"
    assert booper("schedules", "get", "k").code == failures.NOT_FOUND


def test_a_preview_makes_nothing(booper, api):
    shown = booper(
        "schedules", "preview", "--cron", "30 2 * * *", "--from", "2026-03-08T00:00:00Z", "-n", "2", "--json"
    )
    interval = booper("schedules", "preview", "--every", "5 minutes", "-n", "1")

    assert json.loads(shown.out)["instants"] == ["2026-03-08T02:30:00Z", "2026-03-09T02:30:00Z"]
    assert interval.code == 0, interval.err
    assert list(api.schedules.list()) == []


def test_failures_are_listed_and_grouped(booper, api, receiver):
    job = api.jobs.create(f"{receiver.url}/status/503", max_attempts=1)
    api.jobs.wait(job, every_seconds=0.02)

    assert cells(booper("failures"))[0][:4] == [str(job.job_id), "discarded", "1", "503, status_503"]
    assert cells(booper("failures", "--groups"))[0][:4] == ["discarded", "127.0.0.1", "status_503", "1"]
    assert booper("failures", "--state", "retryable").out == ""


def test_a_flow_is_limited_paused_and_reset(booper):
    assert fields(booper("flows", "set", "shop", "--rate", "10/1m", "--concurrency", "3"))["rate"] == "10 per 60 s"
    assert fields(booper("flows", "pause", "shop", "--reason", "sale"))["state"] == "paused"
    assert fields(booper("flows", "get", "shop"))["reason"] == "sale"
    assert fields(booper("flows", "resume", "shop"))["state"] == "open"
    assert cells(booper("flows", "list"))[0][0] == "shop"
    assert booper("flows", "reset", "shop").code == 0
    assert fields(booper("flows", "unset", "shop"))["rate"] == ""


def test_an_endpoint_is_made_changed_and_deleted(booper):
    made = booper("endpoints", "create", URL, "--type", "job.finished", "--json")
    identity = json.loads(made.out)["id"]

    assert fields(booper("endpoints", "update", identity, "--disable"))["state"] == "disabled"
    assert fields(booper("endpoints", "get", identity))["types"] == "job.finished"
    assert cells(booper("endpoints", "list"))[0][0] == identity
    assert booper("endpoints", "delete", identity, "-y").code == 0
    assert booper("endpoints", "list").out == ""


def test_log_entries_are_listed_and_shown(booper, api, receiver):
    job = api.jobs.create(f"{receiver.url}/a")
    api.jobs.wait(job, every_seconds=0.02)

    rows = cells(booper("logs", "list", "--job", job.id))
    shown = booper("logs", "get", rows[-1][-1])

    assert {row[1] for row in rows} == {"worker.http.request", "worker.http.response"}
    assert all(row[2] == str(job.job_id) for row in rows)
    assert fields(shown)["job"] == str(job.job_id)
    assert len(cells(booper("logs", "list", "-n", "1"))) == 1
    assert booper("logs", "list", "--event", "worker.http.error").out == ""


def test_status_shows_the_figures(booper, api, server):
    api.jobs.create(URL, schedule_in=3600)

    shown = fields(booper("status"))

    assert (shown["server"], shown["waiting"], shown["failing"]) == (server.url, "1", "0")
    assert shown["workers"].startswith("1, ")
