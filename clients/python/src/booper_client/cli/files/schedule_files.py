"""Reads and writes files of schedules, YAML or JSON: an object `schedules` with the fields of each by its key."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

from booper_client.cli.failures import WRONG_USE, Refusal

Schedules = dict[str, dict[str, Any]]

EXPECTED = "an object `schedules` with the fields of each schedule by its key"


class Loader(yaml.SafeLoader):
    """YAML 1.2 as far as texts go: no dates, and `on` and `yes` are no booleans. A key that occurs twice is refused."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        written = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        keys = [self.construct_object(key, deep=True) for key in written]
        for place, key in enumerate(keys):
            if key in keys[:place]:
                raise Refusal(f"line {written[place].start_mark.line + 1}: {key!r} is there twice", WRONG_USE)
        return super().construct_mapping(node, deep)


NOT_AS_IN_1_1 = ("tag:yaml.org,2002:timestamp", BOOL := "tag:yaml.org,2002:bool")
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in NOT_AS_IN_1_1]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(BOOL, re.compile("true|True|TRUE|false|False|FALSE"), list("tTfF"))


class Dumper(yaml.SafeDumper):
    """YAML whose texts of several lines are readable."""


def _text(dumper: yaml.SafeDumper, value: str) -> Any:
    style = "|" if "\n" in value else '"' if re.match(r"[*@%&!]|\d", value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


Dumper.add_representer(str, _text)


def read(path: str) -> Schedules:
    """The schedules of a file, `-` for standard input; a Refusal that names what is wrong."""
    text = sys.stdin.read() if path == "-" else Path(path).read_text()
    try:
        document = yaml.load(text, Loader)  # noqa: S506 - a SafeLoader; JSON is YAML
    except yaml.YAMLError as error:
        raise Refusal(f"{path} is neither YAML nor JSON: {error}", WRONG_USE) from None
    except Refusal as error:
        raise Refusal(f"{path}: {error}", WRONG_USE) from None
    schedules = document.get("schedules", {}) if isinstance(document, dict) else None
    if not isinstance(schedules, dict) or not isinstance(document, dict):
        raise Refusal(f"{path} must hold {EXPECTED}", WRONG_USE)
    if unknown := sorted(map(str, document.keys() - {"schedules"})):
        raise Refusal(f"{path} must hold {EXPECTED}, got {', '.join(unknown)} too", WRONG_USE)
    for key, fields in schedules.items():
        if not isinstance(key, str) or not isinstance(fields, dict) or "key" in fields:
            raise Refusal(f"{path}: {key!r} must be the key of a schedule with its fields below", WRONG_USE)
    return schedules


def written(schedules: Schedules, as_json: bool = False) -> str:
    """The text of a file; the schedules in the order of their keys."""
    document = {"schedules": {key: schedules[key] for key in sorted(schedules)}}
    if as_json:
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
