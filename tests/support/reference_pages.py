"""Writes what the site shows beside the pages of docs/: every operation of the API and every command, from the code.

`make docs` calls it before it builds the site. docs/generated/ is not kept in the repository.
"""

import argparse
import json

import click

from api import create_app
from booper import cli
from booper_client.cli import main as client
from runtime import settings
from tests.support.documents import ROOT

FOLDER = ROOT / "docs/generated"
OPERATIONS, COMMANDS = FOLDER / "operations.md", FOLDER / "commands.md"
METHODS = ("get", "post", "put", "patch", "delete")


def write():
    FOLDER.mkdir(exist_ok=True)
    OPERATIONS.write_text(operations(create_app(settings.load({})).test_client()))
    COMMANDS.write_text(commands())


def operations(http):
    """Every operation of the OpenAPI document, by its tag."""
    document = http.get("/api/openapi.json").json
    by_tag = {}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                shown = _operation(method, path, item[method], item.get("parameters", []), document)
                by_tag.setdefault((item[method].get("tags") or ["Other"])[0], []).append(shown)
    sections = [f"## {tag.replace('_', ' ').capitalize()}\n\n" + "\n".join(shown) for tag, shown in by_tag.items()]
    head = (
        "# Operations\n\nWritten from the OpenAPI document of this version, which a server answers at "
        "`/api/openapi.json`. The rules behind the fields are in [the API](../api.md).\n\n"
    )
    return head + "\n".join(sections)


def _operation(method, path, operation, shared, document):
    parts = [f"### {method.upper()} {path}\n"]
    parts += dict.fromkeys([operation.get("summary", ""), operation.get("description", "")])
    parameters = [_resolved(each, document) for each in [*shared, *operation.get("parameters", [])]]
    if parameters:
        rows = [
            (f"`{each['name']}`", each["in"], _kind(each.get("schema", {})), each.get("description", ""))
            for each in parameters
        ]
        parts.append(_table(("Parameter", "In", "Value", "Meaning"), rows))
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        fields = _resolved(content.get("schema", {}), document).get("properties", {})
        if fields and kind == "application/json":
            rows = [(f"`{name}`", _kind(field), field.get("description", "")) for name, field in fields.items()]
            parts.append(_table(("Field of the body", "Value", "Meaning"), rows))
        if "example" in content:
            parts.append(f"```json\n{json.dumps(content['example'], ensure_ascii=False, indent=1)}\n```\n")
    responses = operation.get("responses", {}).items()
    statuses = ", ".join(f"{status}" for status, _ in responses if status != "default")
    parts.append(f"Answers {statuses}.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _resolved(part, document):
    while "$ref" in part:
        target = document
        for name in part["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        part = target
    return part


def _kind(schema):
    """What a value may be, in a few words."""
    if "enum" in schema:
        return ", ".join("null" if value is None else f"`{value}`" for value in schema["enum"])
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    for name in ("oneOf", "anyOf"):
        if name in schema:
            return " or ".join(dict.fromkeys(_kind(each) for each in schema[name]))
    kinds = schema.get("type", "any")
    kinds = " or ".join(kinds) if isinstance(kinds, list) else kinds
    return f"{kinds} of {_kind(schema['items'])}" if "items" in schema else kinds


def _table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in row) + " |" for row in lines) + "\n"


def _cell(value):
    return " ".join(str(value).replace("|", "\\|").split())


def commands():
    """Every command of the server and of the client, with its help."""
    server = [text for path, parser in _parsers(cli.parser(), ()) for text in _command(path, parser.format_help())]
    of_client = [
        text
        for path, command in _click_commands(client.group(), ())
        for text in _command(path, command.get_help(click.Context(command, info_name=" ".join(path))))
    ]
    return "\n".join(
        ["# Commands\n", "## Of the server\n", *server, "## Of the client\n", *of_client, ""]
    )  # fmt: skip


def _command(path, text):
    return [f"### booper {' '.join(path)}\n", f"```text\n{text.strip()}\n```\n"] if path else []


def _parsers(parser, path):
    yield path, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from _parsers(inner, (*path, name))


def _click_commands(command, path):
    yield path, command
    for name in command.list_commands(None) if isinstance(command, click.Group) else []:
        yield from _click_commands(command.get_command(None, name), (*path, name))


if __name__ == "__main__":
    write()
