"""`booper listen` against a live server: what comes, what goes back, how it ends."""

import json
import signal
import socket
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from booper_client import Client, ConnectionFailedError, verify
from booper_client.cli.commands import listen_command
from booper_client.cli.listening import listening
from booper_client.cli.listening.listening import BUSY_PAUSE_S, Heard, Listening
from booper_client.cli.listening.local_server import LocalServer
from booper_client.cli.output import Output
from booper_client.cli.session import Session
from booper_client.models.listeners import LocalAnswer, TakenRequest
from tests.support.command_line import START, in_a_pipe
from tests.support.listening_process import Listen
from tests.support.live_server import LossyFront
from tests.support.waiting import wait_until

URL = "listener://laptop"
SOON = {"max_attempts": 5, "backoff": {"fixed": 1}}


@pytest.fixture
def api(server, key):
    with Client(server.url, key) as client:
        yield client


def ended(api, job):
    return api.jobs.wait(job, every_seconds=0.05)


def test_a_request_comes_to_the_local_server_and_its_response_is_that_of_the_attempt(configured, api, receiver):
    secret = api.signing_keys.create().secret
    with Listen(configured, receiver.url) as listen:
        job = api.jobs.create(f"{URL}/hook?a=%zz;b", method="post", body={"a": 1}, headers={"X-Mine": "Zoë"})
        assert ended(api, job).state == "completed"

        [arrival] = receiver.arrivals
        wait_until(lambda: listen.lines)

    assert (arrival.method, arrival.path, arrival.body) == ("POST", "/hook?a=%zz;b", b'{"a": 1}')
    assert arrival.headers["Host"] == receiver.url.removeprefix("http://")
    assert arrival.headers["X-Mine"].encode("latin-1").decode() == "Zoë"
    assert arrival.headers["Booper-Job-Id"] == job.id
    verify(arrival.body, arrival.headers, secret)
    [attempt] = api.jobs.attempts(job)
    assert (attempt.outcome, attempt.status_code) == ("answered", 200)
    [entry] = api.logs.page(job_id=job.job_id, event="worker.http.response")
    assert entry.payload["body"] == '{"ok":true}'
    assert "  POST    200  " in listen.lines[0]
    assert listen.lines[0].endswith("/hook?a=%zz;b")


def test_in_json_each_request_is_an_object(configured, api, receiver):
    with Listen(configured, receiver.url, "--json") as listen:
        job = ended(api, api.jobs.create(f"{URL}/status/503", **{**SOON, "max_attempts": 1}))
        wait_until(lambda: listen.lines)
    line = json.loads(listen.lines[0])
    assert (line["job_id"], line["attempt"], line["status"], line["error"]) == (job.job_id, 1, 503, None)
    assert (line["method"], line["path"], line["accepted"]) == ("GET", "/status/503", True)
    assert job.state == "discarded"


def test_a_local_server_that_is_down_fails_the_attempt_by_name(configured, api):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Listen(configured, f"localhost:{port}") as listen:
        job = ended(api, api.jobs.create(f"{URL}/", max_attempts=1))
        wait_until(lambda: listen.lines)
    assert job.state == "discarded"
    assert [attempt.reason for attempt in api.jobs.attempts(job)] == ["connection_refused"]
    assert "connection_refused" in listen.lines[0]


def test_a_path_of_the_local_server_goes_before_that_of_the_request(configured, api, receiver):
    with Listen(configured, f"{receiver.url}/app/"):
        ended(api, api.jobs.create(f"{URL}/hook"))
        ended(api, api.jobs.create(URL))
    assert [arrival.path for arrival in receiver.arrivals] == ["/app/hook", "/app/"]


def test_callbacks_and_events_come_too(configured, api, receiver, server):
    with Listen(configured, receiver.url):
        job = api.jobs.create(f"{server.url}/api/ping", callback_url=f"{URL}/callback", webhook_url=f"{URL}/events")
        ended(api, job)
        wait_until(lambda: {"/callback", "/events"} <= {arrival.path for arrival in receiver.arrivals}, 30)


def test_ctrl_c_ends_it_cleanly_and_what_is_under_way_is_answered_before(configured, api, receiver):
    with Listen(configured, receiver.url) as listen:
        job = api.jobs.create(f"{URL}/slow")
        wait_until(lambda: receiver.arrivals)
        assert listen.interrupt() == 0
    assert listen.notes[-1] == "Ended."
    assert not any("Traceback" in line for line in listen.notes)
    assert ended(api, job).state == "completed"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_too_when_a_shell_has_started_it_in_the_background(configured, receiver, number):
    with Listen(configured, receiver.url, in_background=True) as listen:
        assert listen.interrupt(number) == 0
    assert listen.notes[-1] == "Ended."


def test_it_connects_again_and_brings_back_the_answer_when_responses_get_lost(configured, api, receiver, server):
    with LossyFront(server.port) as front, Listen({**configured, "BOOPER_URL": front.url}, receiver.url) as listen:
        wait_until(lambda: front.requests)
        front.script += [502, 502]
        job = api.jobs.create(f"{URL}/hook", **SOON)
        assert ended(api, job).state == "completed"
        wait_until(lambda: listen.lines)
        wait_until(lambda: len(listen.notes) >= 3)
    assert len(receiver.arrivals) == 1
    assert listen.notes[1:3] == [
        "No connection to Booper (UnreadableAnswerError); trying again.",
        "Connected again.",
    ]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "Missing option '--to'"),
        (("--to", "ftp://x"), "must be such as http://localhost:3000, got 'ftp://x'"),
        (("--to", "http://user@x"), "must be such as"),
        (("--to", "http://x", "--name", "Me.Too"), "must be 1 to 32 lower-case letters, digits or hyphens"),
        (("--to", "http://x", "--at-once", "0"), "is not in the range"),
    ],
)
def test_what_is_used_wrongly_is_said(booper, words, text):
    run = booper("listen", *words)
    assert (run.code, text in run.err) == (2, True)


def test_an_unknown_key_ends_it(configured):
    run = in_a_pipe(["listen", "--to", "http://127.0.0.1:9"], configured | {"BOOPER_API_KEY": "sk_" + "x" * 40})
    assert run.code == 4
    assert "the server takes no such key" in run.err


def test_one_listener_too_many_is_refused(configured, api):
    for name in "abcde":
        api.listeners.take(name, wait=0)
    run = in_a_pipe(["listen", "--to", "http://127.0.0.1:9", "--name", "f"], configured)
    assert run.code == 1
    assert "There may be at most 5 listeners at once" in run.err
    assert [listener.name for listener in api.listeners.list()] == list("abcde")


class Unsteady:
    """A client whose connection is as this says, look by look: what comes, or how it breaks."""

    def __init__(self, *looks):
        self.listeners, self._looks = self, iter(looks)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def take(self, *_, **__):
        look = next(self._looks)
        if isinstance(look, BaseException):
            raise look
        return look


def test_each_break_is_told_once_and_each_end_of_one_and_the_pauses_begin_anew(monkeypatch):
    broken, over = ConnectionFailedError("away"), KeyboardInterrupt()
    client = Unsteady(broken, broken, [], [], broken, [], [], over)
    notes, pauses = [], []
    monkeypatch.setattr(listening.time, "sleep", pauses.append)
    local = LocalServer("localhost:1")

    with pytest.raises(KeyboardInterrupt):
        Listening("laptop", local, lambda: client, print, notes.append, at_once=1).run()

    assert notes == ["No connection to Booper (ConnectionFailedError); trying again.", "Connected again."] * 2
    assert [pause for pause in pauses if pause != BUSY_PAUSE_S] == [0.25, 0.5, 0.25]


def test_after_a_long_break_it_asks_again_within_the_longest_pause(monkeypatch):
    client = Unsteady(*[ConnectionFailedError("away")] * 10, KeyboardInterrupt())
    pauses = []
    monkeypatch.setattr(listening.time, "sleep", pauses.append)

    with pytest.raises(KeyboardInterrupt):
        Listening("laptop", LocalServer("localhost:1"), lambda: client, print, lambda _: None, at_once=1).run()

    assert pauses[-2:] == [listening.LONGEST_PAUSE_S] * 2


def test_by_itself_it_has_the_name_of_the_machine(monkeypatch):
    for host, name in (("Ada-Laptop.local", "ada-laptop-local"), ("--", "laptop"), ("x" * 80, "x" * 32)):
        monkeypatch.setattr(listen_command.socket, "gethostname", lambda host=host: host)
        assert listen_command.own_name() == name


def test_it_ends_when_nobody_reads_what_it_shows(configured, api, receiver):
    words = [*START, "listen", "--to", receiver.url, "--name", "laptop"]
    process = subprocess.Popen(words, env=configured, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    job = api.jobs.create(f"{URL}/1")
    assert process.wait(60) == 0
    assert b"Traceback" not in process.stderr.read()
    assert ended(api, job).state == "completed"


HEARD = Heard(
    TakenRequest(
        **{"raw": {}, "id": "r-1", "job_id": 7, "attempt": 2, "method": "POST", "path": "/a?b=1"},
        **{"headers": {}, "seconds_left": 5.0, "keep_bytes": 9},
    ),
    LocalAnswer(status=201),
    0.01234,
    "",
)


def printed_of(form, heard, capsys):
    listen_command.Lines(Session(Output(form), None, "booper")).report(heard)
    return capsys.readouterr().out.rstrip("\n")


def test_each_member_of_a_request_in_json_is_what_its_name_says(capsys):
    line = json.loads(printed_of("json", HEARD, capsys))

    assert abs(datetime.fromisoformat(line.pop("at")) - datetime.now(UTC)) < timedelta(minutes=1)
    request = {"id": "r-1", "job_id": 7, "attempt": 2, "method": "POST", "path": "/a?b=1"}
    assert line == {**request, "status": 201, "error": None, "ms": 12.3, "accepted": True}


@pytest.mark.parametrize(
    ("answer", "fate", "end"),
    [
        (LocalAnswer(status=201), "", "POST    201  12 ms  /a?b=1"),
        (LocalAnswer(error="timeout"), "", "POST    timeout  12 ms  /a?b=1"),
        (LocalAnswer(status=500), "it came too late", "POST    500  12 ms  /a?b=1  (it came too late)"),
    ],
)
def test_a_request_is_a_line_with_its_result_and_its_time(capsys, answer, fate, end):
    assert printed_of("plain", HEARD._replace(answer=answer, fate=fate), capsys)[10:] == end


@pytest.mark.parametrize(
    ("status", "fate", "color"),
    [(200, "", "green"), (299, "", "green"), (300, "", "red"), (None, "", "red"), (200, "too late", "red")],
)
def test_only_a_success_that_counts_is_green_on_a_terminal(status, fate, color):
    assert listen_command._color(HEARD._replace(answer=LocalAnswer(status=status), fate=fate)) == color
