"""What docs/clients.md shows works as it stands, against a live server."""

import re
import sys
import time

import click
import pytest

import booper_client
from booper_client import Client, errors
from booper_client.cli import failures
from booper_client.mcp_tools.server import tools
from booper_client.signatures import signature
from tests.support.command_line import commands
from tests.support.documented_commands import lines_of
from tests.support.documents import ROOT, code_blocks, table
from tests.support.first_request import received_by

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
    shown = {
        " ".join(re.search(r"booper (\S+)(?: ([a-z-]+)\b(?!=))?", line).groups("")).strip()
        for line in lines_of(PAGE.read_text())
    }
    wanted = {" ".join(path) for path, command in commands() if path and not isinstance(command, click.Group)}

    assert {words for words in wanted if not any(f"{each} ".startswith(f"{words} ") for each in shown)} == set()


def test_the_receiver_of_the_page_prints_what_is_signed_and_refuses_the_rest(server, key, tmp_path, configured):
    [receiver] = (each for each in code_blocks("docs/clients.md", "py") if "HTTPServer" in each)

    printed = received_by(sys.executable, tmp_path / "receiver.py", receiver, server.url, key)

    assert printed[0].startswith("refused: the header webhook-id is missing")
    assert printed[1] == "verified: {'hello': 'world'}\n"
