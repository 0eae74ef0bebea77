"""The documents against the code: what they list is what there is, and what they tell the reader to type works.

Also two rules of the house: each module has a docstring, and no file names a package registry's host.
"""

import argparse
import ast
import configparser
import re
import shlex
from pathlib import Path

import click
import pytest

from booper import cli, client_commands, processes, serve_flags
from booper_client.cli import main as client
from models.jobs import states
from runtime import settings
from runtime.version import __version__
from tests.support.documents import table

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
ROOMS = ("api", "booper", "models", "runtime", "workers")
MODULES = sorted(path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py"))
NOT_OURS = re.compile(r"(\.git|\.venv.*|\..*_cache|\.hypothesis|__pycache__|node_modules|build|mutants|.*\.egg-info)")
OF_OTHERS = re.compile("Upstash-|X-Forwarded-For$")  # of the service that one moves from; of proxies
REGISTRIES = ["pypi" + ".org", "python" + "hosted.org", "registry." + "npmjs", "ruby" + "gems.org", "crates" + ".io"]


def blocks(document):
    """The lines of a document's shell blocks, continued lines joined."""
    texts = re.findall(r"^```sh\n(.*?)^```", document.read_text(), re.DOTALL | re.MULTILINE)
    return [line for text in texts for line in re.sub(r"\\\n\s*", "", text).splitlines()]


def code(document):
    """What a document shows as code: its blocks' lines and its inline spans."""
    text = document.read_text()
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    return blocks(document) + spans


def choices(parser):
    """The sub-commands of a command by name, of the server or the client; empty when it has none."""
    if isinstance(parser, click.Group):
        return {name: parser.get_command(None, name) for name in parser.list_commands(None)}
    if isinstance(parser, click.Command):
        return {}
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return groups[0].choices if groups else {}


def greeting(capsys):
    processes.greet(settings.load({}))
    return capsys.readouterr().out


def test_the_settings_page_lists_every_setting_as_the_code_has_it():
    embedded = settings.raw_values({})
    production = settings.raw_values({"BOOPER_BROKER_URL": "amqp://broker"}) | {"BOOPER_BROKER_URL": "must be set"}
    wanted = [
        (s.name, s.form.accepted, embedded[s.name] or "empty", production[s.name] or "empty", s.meaning)
        for s in settings.SETTINGS
    ]
    assert table("docs/settings.md", "# Settings") == wanted


def test_the_settings_page_lists_every_flag_of_serve():
    listed = {
        flag.partition(" ")[0]: setting.partition("`")[0] for flag, setting in table("docs/settings.md", "## Flags")
    }
    own = {"--data": serve_flags.DATABASE, "--demo-key": serve_flags.DEMO_KEY}
    assert listed == own | {flag.flag: flag.setting for flag in serve_flags.FLAGS}


def test_the_transition_table_is_that_of_the_lifecycle():
    rows = table("docs/lifecycle.md", "## Transitions")
    listed = {verb: (tuple(left.split(", ")), entered) for verb, left, entered, *_ in rows}
    stays = {"stage": "unchanged", "change": "unchanged", "hasten": "unchanged", "prune": "deleted"}
    wanted = {verb: (left, entered or stays[verb]) for verb, (left, entered) in states.TRANSITIONS.items()}
    assert listed == wanted


def test_the_diagram_shows_every_transition_and_no_other():
    text = (ROOT / "docs/lifecycle.md").read_text()

    arrows = re.findall(r"^    (\w+) --> (\w+|\[\*\]): (\w+)$", text, re.MULTILINE)
    wanted = {
        (left, entered or ("[*]" if verb == "prune" else left), verb)
        for verb, (states, entered) in states.TRANSITIONS.items()
        for left in states
        if verb != "stage"
    }
    assert sorted(arrows) == sorted(wanted)


def test_the_table_of_states_has_each_state_with_its_kind():
    listed = {state: kind for state, kind, *_ in table("docs/lifecycle.md", "## States")}
    kinds = dict.fromkeys(states.WAITING, "waiting") | dict.fromkeys(states.FINAL, "final") | {"executing": ""}
    assert listed == kinds


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_a_document_names_exists(document):
    for line in code(document):
        for words in re.findall(r"\bbooper((?: [a-z][a-z-]*)+)", line):
            known = choices(cli.parser()) | choices(client.group())
            for word in words.split():
                if not known:
                    break
                assert word in known, f"`booper{words}` in {document.name}"
                known = choices(known[word])


def test_every_booper_line_to_type_is_taken_by_the_command_line():
    lines = [line for document in DOCUMENTS for line in blocks(document) if re.search(r"(^|/|api )booper ", line)]
    commands = [shlex.split(re.split(r"\bbooper ", line, maxsplit=1)[1]) for line in lines]
    commands = [words for words in commands if not client_commands.is_for_client(words, cli.server_commands())]
    assert {cli.parser().parse_args(words).command for words in commands} >= {"migrate", "keys", "api", "worker"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_header_a_document_names_is_one_that_the_code_knows(document):
    known = "\n".join((ROOT / module).read_text() for module in MODULES).lower().replace("_", "-")
    spans = re.findall(r"`([A-Za-z]+(?:-[A-Za-z]+)+)(?:: [^`\n]*)?`", document.read_text())
    headers = {name for name in spans if name[0].isupper() or name.startswith("webhook-")}
    headers = {name for name in headers if not OF_OTHERS.match(name)}
    assert [name for name in headers if name.lower() not in known] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_a_document_names_exists(document):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for line in code(document) for target in re.findall(r"(?:^|\s)make ([a-z-]+)", line)}
    assert named <= targets


def test_the_readme_can_be_read_at_one_sitting():
    assert len(README.read_text().splitlines()) < 200


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_relative_link_leads_somewhere(document):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text())
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert missing == []


def test_the_readme_shows_the_request_that_the_server_prints(capsys):
    printed = re.search(r"curl .*\n.*", greeting(capsys))[0].replace("\\\n", "")
    shown = next(line for line in blocks(README) if line.startswith("curl -X POST"))
    assert shlex.split(shown) == shlex.split(printed)


def test_the_readme_uses_the_address_and_key_of_the_server(capsys):
    """The README asks the server that it started with the key it prints."""
    printed = greeting(capsys)
    address = re.search(r"listens on (\S+)", printed)[1]
    key = re.search(r"Demo key: (\S+)", printed)[1]
    curls = [shlex.split(line) for line in blocks(README) if line.startswith("curl ")]
    assert len(curls) == 3
    for words in curls:
        assert f"Authorization: Bearer {key}" in words
        assert [word for word in words if word.startswith(address)]


def test_the_figures_of_the_readme_are_those_that_were_measured():
    medians = {median for _, _, median, *_ in table("docs/benchmarks.md", "# Benchmarks")}
    shown = [figure.removesuffix(" ms") for _, figure in table("README.md", "## How fast it is")]
    assert len(shown) > 4
    assert [figure for figure in shown if figure not in medians] == []


def test_the_server_prints_the_commands_of_the_readme_for_its_own_port(capsys):
    processes.greet(settings.load({"PORT": "8123"}))

    printed = re.findall(r"curl (?:.*\\\n)*.*", capsys.readouterr().out)

    shown = [line for line in blocks(README) if line.startswith("curl ")][: len(printed)]
    typed = [shlex.split(re.sub(r"\\\n\s*", "", line)) for line in printed]
    assert len(typed) == 2
    assert typed == [shlex.split(line.replace(":8000", ":8123")) for line in shown]


def test_the_dependency_table_is_that_of_the_package():
    package = configparser.ConfigParser()
    package.read(ROOT / "setup.cfg")
    lines = package["options"]["install_requires"].strip().splitlines()
    ranges = dict(line.partition(";")[0].rsplit(" ", 1) for line in lines)
    locked = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    wanted = {(name, limits, locked[name.partition("[")[0]]) for name, limits in ranges.items()}
    assert {
        (name, limits, version) for name, limits, version, _ in table("docs/design.md", "## Dependencies")
    } == wanted


def test_every_file_that_mutation_testing_names_exists():
    package = configparser.ConfigParser()
    package.read(ROOT / "setup.cfg")
    names = ("source_paths", "only_mutate", "also_copy", "pytest_add_cli_args_test_selection")
    paths = [path for name in names for path in package["mutmut"][name].split()]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_changelog_begins_with_this_version():
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == __version__


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_says_what_it_does(module):
    assert ast.get_docstring(ast.parse((ROOT / module).read_text()))


def files():
    """Every file of the repository, as bytes."""
    for path in ROOT.rglob("*"):
        inside = path.relative_to(ROOT)
        if path.is_file() and not any(NOT_OURS.fullmatch(part) for part in inside.parts):
            yield inside, path.read_bytes()


def test_no_file_names_the_host_of_a_package_registry():
    naming = [str(path) for path, content in files() if any(host.encode() in content for host in REGISTRIES)]
    assert naming == []


PORTS = {  # of loopback, where the pages name one
    "8000": "the server's default",
    "8001": "of a second process beside it",
    "9000": "the reader's own program, which receives requests",
    "4318": "a collector of traces",
}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_pages_use_the_same_port_for_the_same_thing(document):
    shown = re.findall(r'(?:127\.0\.0\.1|localhost)(?::|", |\', )(\d+)|listen\((\d+), "127', document.read_text())
    of_services = {"3000", "5672"} if document.name in ("CHANGELOG.md", "CONTRIBUTING.md") else set()

    assert {port for pair in shown for port in pair if port} - PORTS.keys() - of_services - {"5432"} == set()


def test_the_port_of_the_pages_is_the_default_of_the_server():
    assert str(settings.load({}).port) == next(iter(PORTS))
