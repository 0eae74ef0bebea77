"""Each option of each command makes a difference, and what a command asks for is in the API's document."""

import json

import click
import pytest

from booper import cli
from booper_client._sync import transport
from booper_client.requests_out import Answer
from tests.support.command_line import commands
from tests.support.documented import assert_documented, document, names_of, operation_of
from tests.support.openapi import resolved
from tests.support.sample_answers import answer_to

HERE = {"run --watch", "run --group", "create --group", "--yes", "--profile", "--help"}  # other tests see what these do
ELSEWHERE = {  # commands with tests of their own: they need a file, another program, or no server
    *("listen", "mcp", "login", "logout", "profiles", "completion", "import"),
    *("jobs watch", "logs tail", "schedules apply", "schedules export"),
}
WORDS = {
    "targets": ["a=https://a.example/"],
    "days": ["2026-01-01"],
    "--rate": ["10/1m", "7/2m"],
    "--data": ["a=1", "b=2"],
    "--header": ["A: b", "A: c"],
    "--field": ["max_age=1h", "max_age=2h"],
    "jobs --field": ["max_attempts:=3", "max_attempts:=4"],
    "alerts --field": ["share:=0.25", "share:=0.5"],
    "--to": ["webhook=https://a.example/", "webhook=https://b.example/"],
}
NEEDED = {
    "schedules create": ["--cron", "@daily"],
    "alerts create": ["--to", "webhook=https://a.example/"],
    "flows set": ["--concurrency", "1"],
    "schedules update": ["--name", "n"],
    "alerts update": ["--name", "n"],
    "endpoints update": ["--url", "https://a.example/"],
    "--rate": ["--flow", "f"],
    "--concurrency": ["--flow", "f"],
}
FEWER = {"failures state": {"discarded", "retryable"}}  # no other job has failed


def of_server():
    for path, command in commands():
        if not isinstance(command, click.Group) and path and not {path[0], " ".join(path)} & ELSEWHERE:
            yield pytest.param(path, command, id=" ".join(path))


@pytest.fixture
def sent(monkeypatch):
    """The requests that commands made. Each got the answer of which the document tells."""
    requests = []

    def send(_, request):
        assert_documented(request)
        requests.append(request)
        status, answer = answer_to(document(), operation_of(request))
        return Answer(status, {}, json.dumps(answer).encode())

    monkeypatch.setenv("BOOPER_API_KEY", "sk_x")
    monkeypatch.setattr(transport.Transport, "send", send)
    return requests


@pytest.fixture
def effect(sent, capsys):
    """What a command asked for and printed."""

    def run(words):
        sent.clear()
        code = cli.main(words)
        printed = capsys.readouterr()
        assert code == 0, printed.err
        return [(each.method, each.path, each.query(), each.body) for each in sent], printed.out

    return run


def base_of(path, command):
    """The least words that the command takes."""
    words = [*path, *NEEDED.get(" ".join(path), [])]
    for each in command.params:
        if isinstance(each, click.Argument):
            words += WORDS.get(each.name, ["get" if each.name == "method" else f"{each.name.title()}-1"])
        elif "--yes" in each.opts:
            words.append("--yes")
        elif each.required and each.opts[0] not in words:
            words += [each.opts[0], "2026-01-01T00:00:00Z"]
    return words


def values_of(option, folder, path):
    """Two values that make a difference."""
    if words := WORDS.get(f"{path[0]} {option.opts[0]}"):
        return words
    if option.opts[0] in WORDS:
        return WORDS[option.opts[0]]
    if option.name == "body":
        return ["1", "2"]
    if isinstance(option.type, click.Choice):
        return [option.type.choices[0], option.type.choices[-1]]
    if isinstance(option.type, click.Path):
        for name in ("a", "b"):
            (folder / name).write_text(name)
        return [str(folder / "a"), str(folder / "b")]
    return ["3", "4"] if isinstance(option.type, click.types.IntParamType | click.types.FloatParamType) else ["a", "b"]


def of_limits(name, path):
    return NEEDED.get(name, []) if path[0] != "flows" else []


@pytest.mark.parametrize(("path", "command"), list(of_server()))
def test_each_option_makes_a_difference(effect, path, command, tmp_path):
    base = base_of(path, command)
    effects = [effect(base)]
    assert [word for word in base if word.endswith("-1") and word not in repr(effects[0][0])] == []
    for option in command.params:
        name = option.opts[0]
        if isinstance(option, click.Argument) or {name, f"{path[-1]} {name}"} & HERE:
            continue
        if option.is_flag:
            ways = [[each] for each in (*option.opts[:1], *option.secondary_opts)]
            seen = [effects[0], *(effect([*base, *way]) for way in ways)]
        else:
            seen = [effect([*base, *of_limits(name, path), name, value]) for value in values_of(option, tmp_path, path)]
        if name != "--output" or path[-1] in ("list", "get"):
            assert len({repr(each) for each in seen}) == len(seen), name


NOT_SENT = {  # what no option says, with the reason
    **dict.fromkeys(("limit", "offset", "cursor"), "a list goes through as many pages as are wanted"),
    **dict.fromkeys(("callback", "webhook"), "other names of callback_url and webhook_url"),
    "expand": "a command shows what it needs",
    "Idempotency-Key": "a command that is repeated is meant to do it again",
    "Booper-Hop": "not of a person",
}
BEFORE = {"get_schedule", "get_job"}  # asked after what the command is for


@pytest.mark.parametrize(("path", "command"), list(of_server()))
def test_the_options_say_all_that_the_api_takes(effect, sent, path, command, tmp_path):
    base, names = base_of(path, command), {}
    options = [each for each in command.params if not isinstance(each, click.Argument) and each.name != "help"]
    ways = [[*of_limits(each.opts[0], path), *way] for each in options for way in ways_of(each, tmp_path, path)]
    for way in [[], *ways]:
        effect([*base, *way])
        for request in sent:
            operation = operation_of(request)
            said = names.setdefault(operation["operationId"], (operation, set()))[1]
            said |= {*request.query(), *request.headers(), *(request.body or ())}

    for name, (operation, said) in names.items():
        has_any = "field" in [each.name for each in options] and operation.get("requestBody")
        if not has_any and name not in BEFORE:
            assert names_of(operation) - said - set(NOT_SENT) == set(), name


def ways_of(option, folder, path):
    """The words by which an option is given, one of each of its values."""
    if option.opts[0] in ("--watch", "--group", "--yes", "--profile", "--output"):
        return []
    if option.is_flag:
        return [[each] for each in (*option.opts[:1], *option.secondary_opts)]
    return [[option.opts[0], value] for value in values_of(option, folder, path)]


def words_of(request, name):
    """The words that the document has for a parameter or a member of this name; none where it is no choice."""
    operation = operation_of(request)
    media = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    members = dict(resolved(document(), media.get("schema", {})).get("properties", {}))
    members |= {each["name"]: each["schema"] for each in operation.get("parameters", [])}
    return {word for word in resolved(document(), members.get(name, {})).get("enum", ()) if word}


@pytest.mark.parametrize(("path", "command"), list(of_server()))
def test_a_choice_has_the_words_of_the_document(effect, sent, path, command):
    for option in command.params:
        if isinstance(option.type, click.Choice) and option.name != "output":
            effect([*base_of(path, command), option.opts[0], option.type.choices[0]])
            words = words_of(sent[0], option.name)
            assert words, option.name
            assert set(option.type.choices) == words & FEWER.get(f"{path[-1]} {option.name}", words)
