"""Reads and writes files of declarations, YAML or JSON: by kind and name the fields of each."""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from booper_client.cli.failures import WRONG_USE, Refusal
from booper_client.cli.files.kinds.kind import Declarations
from booper_client.cli.files.kinds.registry import KINDS

NAMES = tuple(kind.name for kind in KINDS)
EXPECTED = f"an object with `schedules` or another of {', '.join(NAMES)}, and in it the fields of each by its name"


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML 1.2 as far as texts go: no dates, and `on` and `yes` are no booleans. A key that occurs twice is refused."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        written = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        keys = [self.construct_object(key, deep=True) for key in written]
        known: set[str] = set()
        for place, key in enumerate(keys):
            if repr(key) in known:
                raise Refusal(f"line {written[place].start_mark.line + 1}: {key!r} is there twice", WRONG_USE)
            known.add(repr(key))
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


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


@dataclass(frozen=True)
class DeclarationFile:
    """What a file declares, by kind and name. A kind that it does not mention is no matter of the file."""

    declared: Declarations
    root: Any = None

    def line(self, path: Sequence[str]) -> int | None:
        """The line of a member, or of the nearest one around it."""
        node, key = self.root, None
        for name in path:
            member = _member(node, name)
            if member is None:
                break
            key, node = member
        return None if key is None else key.start_mark.line + 1


def _member(node: Any, name: str) -> tuple[Any, Any] | None:
    """Where a member of a node begins, and its value."""
    if isinstance(node, yaml.MappingNode):
        return next((pair for pair in node.value if pair[0].value == name), None)
    if isinstance(node, yaml.SequenceNode) and name.isdecimal() and int(name) < len(node.value):
        return (node.value[int(name)],) * 2
    return None


def read(path: str) -> DeclarationFile:
    """The declarations of a file, `-` for standard input; a Refusal that names what is wrong."""
    text = sys.stdin.read() if path == "-" else Path(path).read_text()
    try:
        loader = Loader(text)
        root = loader.get_single_node()
        document = loader.construct_document(root) if root is not None else None
    except yaml.YAMLError as error:
        raise Refusal(f"{path} is neither YAML nor JSON: {error}", WRONG_USE) from None
    except Refusal as error:
        raise Refusal(f"{path}: {error}", WRONG_USE) from None
    for mistake in _mistakes(document):
        raise Refusal(f"{path}{mistake}", WRONG_USE)
    return DeclarationFile(document or {}, root)


def _mistakes(document: Any) -> Iterator[str]:
    if not isinstance(document, dict) or not document:
        yield f" must hold {EXPECTED}"
    elif unknown := sorted(map(str, document.keys() - set(NAMES))):
        yield f" must hold {EXPECTED}, got {', '.join(unknown)} too"
    else:
        for kind, named in document.items():
            yield from _mistakes_of(kind, named)


def _mistakes_of(kind: str, named: Any) -> Iterator[str]:
    if not isinstance(named, dict):
        yield f" must hold an object `{kind}` with the fields of each by its name"
        return
    for name, fields in named.items():
        if not isinstance(name, str) or not isinstance(fields, dict) or (kind == "schedules" and "key" in fields):
            what = "key of a schedule" if kind == "schedules" else f"name of one of the {kind}"
            yield f": {name!r} must be the {what} with its fields below"


def written(declared: Declarations, as_json: bool = False) -> str:
    """The text of a file; each kind in the order of its names."""
    document = {kind: dict(sorted(declared[kind].items())) for kind in NAMES if kind in declared}
    if as_json:
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
