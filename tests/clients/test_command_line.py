"""`booper` as a client: help, mistakes, exit codes, profiles, terminals and completion."""

import os
import re
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from itertools import islice
from types import SimpleNamespace

import click
import pytest

from booper import cli, client_commands
from booper_client import Client
from booper_client.cli import catalog, failures, main
from booper_client.cli.commands import logs_command
from booper_client.cli.output import fitting, relative
from booper_client.errors import BooperError
from tests.support.command_line import START, Run, commands, in_a_pipe, on_a_terminal
from tests.support.documents import ROOT

URL = "https://example.com/hook"


COMMANDS = dict(commands())


def command_help():
    return main.group().get_help(click.Context(main.group(), info_name="booper", max_content_width=80))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_help_of_each_command_fits_80_columns_and_says_what_each_option_is_for(path, booper):
    run = booper(*path, "--help") if path else Run(0, command_help(), "")

    assert run.code == 0
    assert max(map(len, run.out.splitlines())) <= 80
    assert not re.search(r"\w\.\.\.$", re.sub("Usage:.*", "", run.out), re.MULTILINE), "the text of a command is cut"
    command = COMMANDS[path]
    assert path == () or (command.help and command.get_short_help_str())
    assert [each.name for each in command.params if isinstance(each, click.Option) and not each.help] == []


def test_a_long_choice_is_not_torn():
    assert all("\u2026" not in command.get_short_help_str(80) for command in COMMANDS.values())


def test_the_catalog_says_what_each_command_says_of_itself():
    for name, about in catalog.COMMANDS.items():
        assert COMMANDS[(name,)].get_short_help_str(80).rstrip(".") == about.rstrip("."), name


def test_the_top_help_lists_the_commands_of_server_and_client(booper, capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])

    shown = capsys.readouterr().out
    assert all(re.search(rf"^ +{name}\b", shown, re.MULTILINE) for name in (*cli.server_commands(), *catalog.COMMANDS))
    assert max(map(len, shown.splitlines())) <= 80


def test_no_command_of_the_client_has_the_name_of_one_of_the_server():
    assert set(cli.server_commands()) & set(catalog.COMMANDS) == set()


def test_a_server_starts_without_importing_the_client():
    code = (
        "import sys; from booper import cli, commands; words = ['serve']; "
        "assert not cli.client_commands.is_for_client(words, cli.server_commands()); cli.parser().parse_args(words); "
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert "booper" in done.stdout.split(), done.stderr
    assert {"booper_client", "click", "rich", "httpx"} & set(done.stdout.split()) == set()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["jobs", "lst"], failures.WRONG_USE, "Did you mean 'list'?"),
        (["jbos"], failures.WRONG_USE, "No such command 'jbos'. Did you mean 'jobs'?"),
        (["jobs"], failures.WRONG_USE, "booper jobs"),
        (["jobs", "get"], failures.WRONG_USE, "Missing argument 'JOB'"),
        (["run", "get", URL, "--labl", "x"], failures.WRONG_USE, "--label"),
        (["run", "get", URL, "-d", "x"], failures.WRONG_USE, "must be NAME=VALUE or NAME:=JSON, got 'x'"),
        (["run", "get", URL, "-d", "x:=y"], failures.WRONG_USE, "must be JSON, got 'y'"),
        (["run", "get", URL, "--json", "@/no/file"], failures.WRONG_USE, "/no/file can't be read"),
        (["run", "get", URL, "--json", "{"], failures.WRONG_USE, "must be JSON"),
        (["run", "get", URL, "--json", "1", "-d", "a=b"], failures.WRONG_USE, "exclude each other"),
        (["run", "get", URL, "-H", "x"], failures.WRONG_USE, "must be 'NAME: VALUE', got 'x'"),
        (["run", "get", URL, "--rate", "1/1m"], failures.WRONG_USE, "add --flow KEY"),
        (["run", "get", URL, "--flow", "f", "--rate", "1"], failures.WRONG_USE, "such as 10/1m, got '1'"),
        (["run", "get", URL, "--in", "soon"], failures.FAILED, "  --in: must be a number of seconds"),
        (["run", "get", "nowhere"], failures.FAILED, "  URL: must be an http"),
        (["run", "fetch", URL], failures.FAILED, "  METHOD: must be one of"),
        (["schedules", "create", "get", URL], failures.WRONG_USE, "Say when: --cron '0 9 * * 1-5'"),
        (["schedules", "update", "k"], failures.WRONG_USE, "Nothing to change"),
        (["schedules", "get", "missing"], failures.NOT_FOUND, "that this key may see: /schedules/missing"),
        (["jobs", "cancel", "404", "405"], failures.NOT_FOUND, ": /jobs/404"),
        (["flows", "set", "f"], failures.WRONG_USE, "--rate 10/1m"),
        (["alerts", "create", "a"], failures.WRONG_USE, "--to email=ops@example.com"),
        (["alerts", "create", "a", "--to", "ops"], failures.WRONG_USE, "must be WAY=ADDRESS"),
        (["alerts", "create", "a", "--flow", "f", "--host", "h"], failures.WRONG_USE, "exclude each other"),
        (["alerts", "update", "x"], failures.WRONG_USE, "Nothing to change"),
        (["alerts", "delete", "x"], failures.WRONG_USE, "add --yes"),
        (["calendars", "delete", "x"], failures.WRONG_USE, "add --yes"),
        (["calendars", "set", "x", "soon"], failures.FAILED, "days"),
        (["groups", "set", "x", "https://example.com/"], failures.WRONG_USE, "must be NAME=URL"),
        (["groups", "delete", "x"], failures.WRONG_USE, "add --yes"),
        (["schedules", "backfill", "x", "--from", "a", "--to", "b"], failures.WRONG_USE, "add --yes"),
        (["endpoints", "update", "x"], failures.WRONG_USE, "Nothing to change"),
        (["endpoints", "delete", "x"], failures.WRONG_USE, "add --yes"),
        (["jobs", "list", "--profile", "p"], failures.WRONG_USE, "booper login --profile p"),
        (["logout"], failures.NOT_FOUND, "there is no profile 'default'"),
    ],
)
def test_a_mistake_is_answered_with_what_to_type(booper, words, code, message):
    run = booper(*words)

    assert run.code == code, run.err
    assert message in run.err
    assert run.out == ""


@pytest.mark.parametrize("kind", [OSError, ValueError, BooperError, failures.Refusal])
def test_what_no_program_can_prevent_is_a_line_and_no_traceback(kind, capsys):
    assert failures.show(kind("no room on the disk"), "booper") == failures.FAILED
    assert capsys.readouterr().err == "booper: no room on the disk\n"


def test_without_a_key_login_is_named(booper, monkeypatch):
    monkeypatch.delenv("BOOPER_API_KEY")

    run = booper("jobs", "list")

    assert (run.code, run.err) == (4, "booper: there is no key: type `booper login`, or set BOOPER_API_KEY.\n")


def test_a_key_that_the_server_does_not_know_is_said(booper, monkeypatch):
    monkeypatch.setenv("BOOPER_API_KEY", "sk_wrong")

    run = booper("jobs", "list")

    assert run.code == failures.NO_KEY
    assert "sk_wrong" not in run.err
    assert "booper login" in run.err


def test_a_server_that_is_not_there_is_said(booper, monkeypatch):
    monkeypatch.setenv("BOOPER_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("booper_client._sync.sender.sleep", lambda seconds: None)

    run = booper("jobs", "list")

    assert run.code == failures.NO_ANSWER
    assert run.err.startswith("booper: http://127.0.0.1:9 gave no answer: ")
    assert "HTTPConnectionPool" not in run.err


def test_a_login_is_kept_for_its_owner_alone_and_used(configured, server, key, tmp_path):
    env = {name: value for name, value in configured.items() if not name.startswith("BOOPER_")}

    kept = in_a_pipe(["login", "--url", server.url], env, f"{key}\n")
    other = in_a_pipe(["login", "--url", server.url, "--profile", "other"], env, f"{server.new_key()}\n")

    assert (kept.code, other.code) == (0, 0), kept.err
    file = tmp_path / "booper" / "profiles.json"
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert in_a_pipe(["status"], env).code == 0
    with Client(server.url, key) as client:
        client.jobs.create(URL, schedule_in=3600)
    assert len(in_a_pipe(["jobs", "list"], env).out.splitlines()) == 1
    assert in_a_pipe(["jobs", "list", "--profile", "other"], env).out == ""
    assert in_a_pipe(["jobs", "list"], env | {"BOOPER_PROFILE": "other"}).out == ""
    assert in_a_pipe(["profiles"], env).out == f"default\t{server.url}\nother\t{server.url}\n"
    assert in_a_pipe(["logout"], env).code == 0
    assert in_a_pipe(["status"], env).code == failures.NO_KEY


def test_the_key_of_a_profile_is_not_sent_to_another_server(booper, server, key, monkeypatch, tmp_path):
    monkeypatch.delenv("BOOPER_API_KEY")
    file = tmp_path / "booper" / "profiles.json"
    file.parent.mkdir()
    file.write_text(f'{{"default": {{"url": "https://elsewhere.example", "key": "{key}"}}}}')

    assert booper("status").code == failures.NO_KEY


def test_a_wrong_key_is_not_kept(booper, server, configured, tmp_path):
    run = in_a_pipe(["login", "--url", server.url], configured, "sk_wrong\n")

    assert run.code == failures.NO_KEY
    assert not (tmp_path / "booper" / "profiles.json").exists()


def test_a_terminal_shows_a_table_with_colors_and_relative_times(configured, server, key):
    with Client(server.url, key) as client:
        client.jobs.create(URL, schedule_in=3700, name="a")
        client.jobs.cancel(client.jobs.create(URL, schedule_in=3600))

    shown = on_a_terminal(["jobs", "list"], configured, columns=120)
    piped = in_a_pipe(["jobs", "list"], configured)

    assert re.search(r"JOB +STATE +WHEN +METHOD +TARGET +NAME", re.sub(r"\x1b\[[0-9;]*m", "", shown.out))
    assert "in 1 hour" in shown.out
    assert "\x1b[2m" in shown.out  # cancelled is dim
    assert "\x1b" not in piped.out
    assert piped.out.count("\t") == 12


def test_a_table_fits_its_terminal(configured, server, key):
    with Client(server.url, key) as client:
        client.jobs.create(f"{URL}/{'x' * 300}", schedule_in=3700, name="y" * 200)

    shown = on_a_terminal(["jobs", "list"], configured, columns=80)

    assert re.search(r"JOB +STATE +WHEN +METHOD +TARGET +NAME", re.sub(r"\x1b\[[0-9;]*m", "", shown.out))
    assert re.search(r"\d+ +scheduled +in 1 hour +GET +https://example.com/.*… +y+…", shown.out)
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in shown.out.splitlines()) <= 80


def test_a_wide_terminal_shows_the_long_ids_too(configured, server, key):
    with Client(server.url, key) as client:
        job = client.jobs.create(URL, schedule_in=3700)

    assert job.id in on_a_terminal(["jobs", "list"], configured, columns=160).out
    assert job.id not in on_a_terminal(["jobs", "list"], configured, columns=80).out


def test_a_narrow_terminal_keeps_the_ids_of_rows_that_have_no_name():
    columns, rows = ("NAME", "STATE", "ID"), [["report", "on", "x" * 36], ["", "on", "y" * 36]]

    assert fitting(columns, rows, 40) == (columns, rows)
    assert fitting(columns, rows[:1], 40) == (("NAME", "STATE"), [["report", "on"]])


def test_a_terminal_that_shows_no_colors_gets_none(configured, server, key, receiver):
    with Client(server.url, key) as client:
        client.jobs.wait(client.jobs.create(f"{receiver.url}/"), every_seconds=0.02)

    assert "\x1b[32mcompleted" in on_a_terminal(["jobs", "list"], configured).out
    assert "\x1b[32m" not in on_a_terminal(["jobs", "list"], configured | {"NO_COLOR": "1"}).out


def test_a_terminal_is_asked_before_something_is_deleted(configured, server, key):
    with Client(server.url, key) as client:
        client.schedules.put("k", url=URL, cron="@daily")

        kept = on_a_terminal(["schedules", "delete", "k"], configured, "n\n")
        assert [schedule.enabled for schedule in client.schedules.list()] == [True]
        gone = on_a_terminal(["schedules", "delete", "k"], configured, "y\n")

        assert (kept.code, gone.code) == (130, 0)
        assert list(client.schedules.list()) == []


def test_a_list_with_nothing_says_so_on_a_terminal_and_nothing_in_a_pipe(configured):
    assert "Nothing to show." in on_a_terminal(["jobs", "list"], configured).out
    assert in_a_pipe(["jobs", "list"], configured) == (0, "", "")


def test_a_pipe_that_is_closed_early_is_no_error(configured, server, key):
    with Client(server.url, key) as client:
        client.jobs.create_many([{"url": URL, "schedule_in": 3600, "name": "x" * 200}] * 900)
    process = subprocess.Popen(
        [*START, "jobs", "list", "--all"], env=configured, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )

    process.stdout.readline()
    process.stdout.close()

    assert process.stderr.read() == b""
    assert process.wait(60) == 0


def test_a_tail_shows_each_entry_once_as_it_comes(configured, server, key, receiver):
    process = subprocess.Popen([*START, "logs", "tail"], env=configured, stdout=subprocess.PIPE, text=True)
    lines = []
    reading = threading.Thread(target=lambda: lines.extend(process.stdout))
    try:
        with Client(server.url, key) as client:
            jobs = [client.jobs.create(f"{receiver.url}/{n}") for n in range(3)]
            for job in jobs:
                client.jobs.wait(job, every_seconds=0.02)
            reading.start()
            deadline = threading.Event()
            for _ in range(600):
                if len(lines) >= 6:
                    break
                deadline.wait(0.05)
    finally:
        process.terminate()
        process.wait(30)
        reading.join(30)

    assert len(lines) == len(set(lines)) == 6
    assert all("worker.http.re" in line for line in lines)


def test_a_tail_shows_what_came_in_the_order_in_which_it_came(monkeypatch):
    entries = [SimpleNamespace(id=number) for number in range(9)]
    there = [3, 6, 6, 9]  # so many of them, at each look

    class Logs:
        def list(self, **_):
            return reversed(entries[: there.pop(0)])

        def page(self, limit, cursor, **_):
            shown = Page(reversed(entries[: there.pop(0)]))
            shown.next_cursor = None
            return shown

    class Page(list):
        pass

    monkeypatch.setattr(logs_command, "LOOK_EVERY_S", 0)
    session = SimpleNamespace(client=SimpleNamespace(logs=Logs()))

    shown = [entry.id for entry in islice(logs_command.following(session, 2, {}), 8)]

    assert shown == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_tail_does_not_let_a_target_steer_the_terminal(booper, monkeypatch):
    entry = SimpleNamespace(
        **{"id": "1", "event": "worker.http.error", "job_id": 7, "inserted_at": datetime(2026, 1, 1, tzinfo=UTC)},
        payload={"error": {"reason": "bad\x1b[2J\r\u202e", "detail": "bad\x1b[2J\r\u202e"}},
    )
    monkeypatch.setattr(logs_command, "following", lambda *_: iter([entry]))
    monkeypatch.setattr(logs_command, "what", lambda entry: entry.payload["error"]["reason"])

    shown = booper("logs", "tail").out

    assert shown.startswith("2026-01-01 00:00:00  worker.http.error  7  bad")
    assert [each for each in ("\x1b", "\r", "\u202e") if each in shown] == []


def test_a_tail_that_looks_away_for_more_than_a_page_misses_nothing(server, key, receiver):
    with Client(server.url, key) as client:
        jobs = [client.jobs.create(f"{receiver.url}/{n}") for n in range(51)]
        for job in jobs:
            client.jobs.wait(job, every_seconds=0.02)

        fresh = logs_command._fresh(SimpleNamespace(client=client), {}, {"an entry before": None})

    assert len({entry.id for entry in fresh}) == len(fresh) == 102


def test_a_tail_remembers_what_it_has_shown_last_however_long_it_runs(monkeypatch):
    looks = iter(range(2, 12))

    def page(*_, **__):
        newest = next(looks)
        return Latest(SimpleNamespace(id=each) for each in (newest, newest - 1))

    class Latest(list):
        next_cursor = None

    for name, value in (("LOOK_EVERY_S", 0), ("REMEMBERED", 3), ("PAGE", 2)):
        monkeypatch.setattr(logs_command, name, value)
    session = SimpleNamespace(client=SimpleNamespace(logs=SimpleNamespace(list=page, page=page)))

    assert [entry.id for entry in islice(logs_command.following(session, 2, {}), 10)] == list(range(1, 11))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script_and_the_words_that_fit(booper, configured, shell):
    script = booper("completion", shell)

    assert "_BOOPER_COMPLETE" in script.out
    place = "ca" if shell == "fish" else "2"
    asking = {"_BOOPER_COMPLETE": f"{shell}_complete", "COMP_WORDS": "booper jobs ca", "COMP_CWORD": place}
    assert "cancel" in in_a_pipe([], configured | asking).out


def test_completion_knows_the_commands_of_the_server_too(configured):
    asking = {"_BOOPER_COMPLETE": "bash_complete", "COMP_WORDS": "booper ", "COMP_CWORD": "1"}

    words = {line.partition(",")[2] for line in in_a_pipe([], configured | asking).out.splitlines()}

    assert words == {*cli.server_commands(), *catalog.COMMANDS}


def test_completion_says_what_a_command_of_the_server_is_for(configured):
    asking = {"_BOOPER_COMPLETE": "zsh_complete", "COMP_WORDS": "booper migr", "COMP_CWORD": "1"}
    assert in_a_pipe([], configured | asking).out.splitlines() == [
        "plain",
        "migrate",
        "bring the tables of the database up to date",
    ]


def without(monkeypatch, missing):
    """No module of this package can be imported; the client has to be imported anew. Afterwards each module is again
    what it was, as an attribute of its package too."""
    loaded = dict(sys.modules)
    monkeypatch.setitem(sys.modules, missing, None)
    for name in [name for name in loaded if name.startswith(("booper_client.", f"{missing}."))]:
        parent, _, child = name.rpartition(".")
        monkeypatch.delitem(sys.modules, name)
        monkeypatch.delattr(loaded[parent], child, raising=False)


def test_a_broken_installation_is_not_taken_for_one_without_the_client(monkeypatch):
    """To install the client would change nothing."""
    without(monkeypatch, "typing")
    with pytest.raises(ImportError, match="typing"):
        client_commands.run(["jobs", "list"], {})


@pytest.mark.parametrize("missing", ["booper_client", "click"])
def test_a_machine_without_the_client_says_what_to_install(monkeypatch, missing):
    without(monkeypatch, missing)

    with pytest.raises(SystemExit, match="needs the client: pip install"):
        cli.main(["jobs", "list"])
    if missing == "booper_client":
        assert client_commands.listed() == ""


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (7199.5, "in 2 hours"),
        (-7199.5, "2 hours ago"),
        (6000, "in 1 hour"),
        (3500, "in 58 minutes"),
        (90, "in 1 minute"),
        (1, "in 1 second"),
        (0.5, "now"),
        (-200_000, "2 days ago"),
    ],
)
def test_times_are_relative_to_now(seconds, shown):
    now = datetime(2026, 1, 1, tzinfo=UTC)

    assert relative(now + timedelta(seconds=seconds), now) == shown
