"""Reads and writes files of declarations, YAML or JSON: by kind and name the fields of each."""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from booper_client.cli.failures import WRONG_USE, Refusal
from booper_client.cli.files.json_values import MAX_DEPTH, mistakes_of_json
from booper_client.cli.files.kinds.kind import Declarations
from booper_client.cli.files.kinds.registry import KINDS

NAMES = tuple(kind.name for kind in KINDS)
EXPECTED = f"an object with `schedules` or another of {', '.join(NAMES)}, and in it the fields of each by its name"


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML 1.2: no dates, `on` and `yes` are no booleans, 22:00 is no number. A key that occurs twice is refused."""

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


TAG = "tag:yaml.org,2002:"
NOT_AS_IN_1_1 = {f"{TAG}{name}" for name in ("timestamp", "bool", "int", "float")}
WHOLE = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in NOT_AS_IN_1_1]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(f"{TAG}bool", re.compile("true|True|TRUE|false|False|FALSE"), list("tTfF"))
Loader.add_implicit_resolver(f"{TAG}int", re.compile(rf"(?:{WHOLE.pattern})$"), list("-+0123456789"))
Loader.add_implicit_resolver(f"{TAG}float", re.compile(rf"(?:{DECIMAL.pattern})$"), list("-+.0123456789"))


def _whole(loader: Any, node: Any) -> int:
    """A whole number; one that begins with 0 is no octal one."""
    text = loader.construct_scalar(node)
    return int(text, 0) if text.startswith(("0o", "0x")) else int(text)


Loader.add_constructor(f"{TAG}int", _whole)


ENDS_OF_LINES = re.compile("[\x85\u2028\u2029\ufeff]")  # for YAML alone; quoted, they are escaped


class Dumper(yaml.SafeDumper):
    """YAML whose texts of several lines are readable."""


def _text(dumper: yaml.SafeDumper, value: str) -> Any:
    style: str | None = '"'
    if not ENDS_OF_LINES.search(value):
        style = "|" if "\n" in value else '"' if re.match(r"[*@%&!]|[-+.]*\d", value) else None
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
    try:
        text = (sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()).decode("utf-8-sig")
        root, document = _parsed(text)
    except UnicodeDecodeError as error:
        raise Refusal(f"{path} must be UTF-8, got another byte at {error.start}", WRONG_USE) from None
    except yaml.YAMLError as error:
        raise Refusal(f"{path} is neither YAML nor JSON: {error}", WRONG_USE) from None
    except RecursionError:
        raise Refusal(f"{path} must be nested at most {MAX_DEPTH} deep, got more", WRONG_USE) from None
    except Refusal as error:
        raise Refusal(f"{path}: {error}", WRONG_USE) from None
    for mistake in _mistakes(document):
        raise Refusal(f"{path}{mistake}", WRONG_USE)
    file = DeclarationFile(document, root)
    for place, mistake in mistakes_of_json(document):
        line = file.line(place)
        raise Refusal(f"{path}: {f'line {line}: ' if line else ''}{'.'.join(place)} {mistake}", WRONG_USE)
    return file


def _parsed(text: str) -> tuple[Any, Any]:
    """The nodes of the text, for the numbers of lines, and its value. JSON is read as JSON: YAML lets some characters
    of texts be ends of lines, and knows not all of its escapes."""
    document = None
    if text.lstrip().startswith("{"):
        with suppress(json.JSONDecodeError):
            document = json.loads(text, object_pairs_hook=_once)
    try:
        loader = Loader(text)
        root = loader.get_single_node()
    except yaml.YAMLError:
        if document is None:
            raise
        return None, document
    if document is None and root is not None:
        document = loader.construct_document(root)
    return root, document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for name, count in Counter(name for name, _ in pairs).items():
        if count > 1:
            raise Refusal(f"{name!r} is there twice", WRONG_USE)
    return dict(pairs)


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
