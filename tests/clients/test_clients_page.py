"""What docs/clients.md shows works as it stands, against a live server."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time

import click
import pytest

import booper_client
from booper_client import Client, errors
from booper_client.cli import failures
from booper_client.mcp_tools.server import tools
from booper_client.signatures import signature
from tests.support.command_line import START, commands, in_a_pipe
from tests.support.documents import ROOT, code_blocks, table
from tests.support.first_request import received_by
from tests.support.waiting import wait_until

PAGE = ROOT / "docs/clients.md"
WRITTEN = "http://127.0.0.1:8000", "sk_public_20230921"


def blocks(language):
    return code_blocks("docs/clients.md", language)


def test_the_python_of_the_page_runs_from_its_first_to_its_last_block(server, capsys):
    namespace = {"__name__": "page"}
    for source in blocks("python"):
        exec(source.replace(WRITTEN[0], server.url), namespace)

    printed = capsys.readouterr().out
    assert printed.startswith("completed\n200\n")
    assert "{'shedule_in': ['unknown field, did you mean `schedule_in`?']}" in printed
    assert len(list(namespace["client"].jobs.list(url="https://example.com/invoice"))) == 1
    namespace["client"].close()


def test_the_view_of_the_page_queues_what_a_schedule_calls_for(capsys):
    namespace = {"__name__": "page"}
    exec(next(source for source in blocks("python") if "Flask" in source), namespace)
    body, now = b'{"task": "proj.report", "args": [1]}', str(int(time.time()))
    headers = {"webhook-id": "id-1", "webhook-timestamp": now}
    headers["webhook-signature"] = signature(b"secret", "id-1", now, body)

    view = namespace["app"].test_client()

    assert view.post("/tasks", data=body, headers=headers).status_code == 202
    assert view.post("/tasks", data=body + b" ", headers=headers).status_code == 401
    assert capsys.readouterr().out == "id-1 proj.report [1] {}\n"


def test_the_view_of_django_is_python():
    [source] = (each for each in blocks("py") if "django" in each)

    compile(source, "docs/clients.md", "exec")


def test_the_table_of_methods_is_that_of_the_client(server, key):
    with Client(server.url, key) as client:
        for attribute, methods in table("docs/clients.md", "### What there is"):
            holder = client if attribute == "client" else getattr(client, attribute.removeprefix("client."))
            offered = {name for name in dir(holder) if not name.startswith("_") and callable(getattr(holder, name))}
            assert set(methods.split("` `")) == offered, attribute


def test_the_table_of_errors_is_that_of_the_package():
    listed = {name for name, _ in table("docs/clients.md", "### Errors")}

    assert listed == {name for name in dir(errors) if name.endswith("Error")}
    assert all(hasattr(booper_client, name) for name in listed)


@pytest.mark.parametrize("name", ["BOOPER_URL", "BOOPER_API_KEY"])
def test_the_page_names_the_variables(name):
    assert f"`{name}`" in PAGE.read_text()


def lines():
    """What the page shows to type into a shell, continued lines joined."""
    text = "".join(re.sub(r"\\\n\s*", "", block) for block in blocks("sh"))
    return [line for line in text.splitlines() if re.search(r"\bbooper (?!-)", line)]


def examples():
    """What the help of the commands shows to type, continued lines joined."""
    texts = [re.sub(r"\\\n\s*", "", command.help or "") for _, command in commands()]
    shown = [line.strip() for text in texts for line in text.splitlines()]
    return [line for line in shown if re.match(r"(crontab -l \| )?booper ", line)]


def opened(server, key):
    """An incident: a job of a schedule was discarded after the rule for it was made."""
    with Client(server.url, key) as client:
        client.schedules.put("failing", url="http://127.0.0.1:9/", cron="@yearly", max_attempts=1)
        client.schedules.run("failing")
        wait_until(lambda: list(client.incidents.list()), what="an incident")
        return next(client.incidents.list()).id


@pytest.fixture
def written(server, key, configured, tmp_path):
    """A function from a line of the page to the line for this server, with ids that there are."""
    (tmp_path / "key-file").write_text(f"{key}\n")
    [example] = blocks("yaml")
    (tmp_path / "schedules.yaml").write_text(example)
    (tmp_path / "proj").mkdir()
    (tmp_path / "proj/celery.py").write_text("beat_schedule = {'often': {'task': 'proj.often', 'schedule': 300}}")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/crontab").write_text("#!/bin/sh\necho '@daily curl https://example.com/'\n")
    (tmp_path / "bin/crontab").chmod(0o755)
    (tmp_path / "body.json").write_text('{"a": 1}')
    (tmp_path / ".config/fish/completions").mkdir(parents=True)
    with Client(server.url, key) as client:
        job = client.jobs.wait(client.jobs.create(f"{server.url}/api/echo", method="post"), every_seconds=0.02)
        client.jobs.wait(client.jobs.create("http://127.0.0.1:9/", max_attempts=1), every_seconds=0.02)
        client.schedules.put("daily-report", url="https://example.com/report", cron="@daily")
        client.flows.put("shop-42", concurrency=1)
        ids = {
            "jobs": str(job.job_id),
            "endpoints": client.endpoints.create("https://example.com/events").id,
            "logs": client.logs.page(limit=1).items[0].id,
            "alerts": client.alerts.create("a", [{"webhook": "https://example.com/a"}]).id,
            "operations": client.operations.get(client.jobs.cancel_all(name="nothing")).id,
        }
        client.groups.put("shops", [{"name": "a", "url": "https://example.com/"}])
        client.calendars.put("holidays", ["2026-12-24"])

    def adapted(line):
        if "staging" in line or "profiles" in line:
            in_a_pipe(["login", "--url", server.url, "--profile", "staging"], configured, f"{key}\n")
        line = line.replace(WRITTEN[0], server.url).replace("https://booper.example.com", server.url)
        line = line.replace("29180", ids["jobs"])
        place = line.split()[1]
        if place == "incidents":
            ids[place] = opened(server, key)
        return line.replace("01a20c2e-2507-7dde-b9d3-bca08fdc05b8", ids.get(place, ""))

    return adapted


def test_the_help_has_examples():
    assert len(examples()) >= 9


@pytest.mark.parametrize("line", [*lines(), *examples()])
def test_each_line_of_the_page_and_of_the_help_does_what_it_says(line, written, configured, tmp_path):
    line = line if "zsh" not in line else "booper completion zsh"  # what it prints is not for bash
    command = f'booper() {{ {shlex.join(START)} "$@"; }}\n{written(line)}'
    process = subprocess.Popen(
        ["bash", "-c", f"set -o pipefail; {command}"],
        env=configured | {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    if " tail " in line or " listen " in line:  # which never end by themselves
        first = process.stdout if " tail " in line else process.stderr
        assert re.search(r"worker\.http\.error|^Requests for listener://laptop/ go to", first.readline())
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)
        return
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (6 if "--dry-run" in line else 0, "")
    assert out or any(word in line for word in ("list", "runs", "backfills", "failures", "eval", ">", "mcp"))


def test_the_table_of_tools_is_that_of_the_server_for_assistants():
    marks = {}
    for names, _, mark in table("docs/clients.md", "### For assistants (MCP)"):
        marks |= dict.fromkeys(names.strip("`").split("` `"), mark)

    assert marks == {tool.__name__: mark_of(annotations) for tool, annotations in tools(None)}


def mark_of(annotations):
    if annotations.read_only_hint:
        return "reads only"
    kind = "destructive" if annotations.destructive_hint else "changes"
    return f"{kind}; {'' if annotations.idempotent_hint else 'not '}idempotent"


def test_the_exit_codes_are_those_of_the_command_line():
    listed = {int(code) for code, _ in table("docs/clients.md", "### Exit codes")}
    named = {value for name, value in vars(failures).items() if name.isupper() and isinstance(value, int)}

    assert listed == named | {0, 130}


def test_the_page_shows_every_command():
    shown = {" ".join(re.search(r"booper (\S+)(?: ([a-z-]+)\b(?!=))?", line).groups("")).strip() for line in lines()}
    wanted = {" ".join(path) for path, command in commands() if path and not isinstance(command, click.Group)}

    assert {words for words in wanted if not any(f"{each} ".startswith(f"{words} ") for each in shown)} == set()


def test_the_receiver_of_the_page_prints_what_is_signed_and_refuses_the_rest(server, key, tmp_path, configured):
    [receiver] = (each for each in code_blocks("docs/clients.md", "py") if "HTTPServer" in each)

    printed = received_by(sys.executable, tmp_path / "receiver.py", receiver, server.url, key)

    assert printed[0].startswith("refused: the header webhook-id is missing")
    assert printed[1] == "verified: {'hello': 'world'}\n"
