"""Reads JSON texts strictly: one parse gives the values and, of a top-level object, the text of each member.

Stricter than the standard library: no NaN or Infinity, no number beyond a double, no text that PostgreSQL can't store,
no deep nesting. Pure; `api/requests/reading/body.py` turns the exceptions into responses.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from itertools import islice
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, NamedTuple

MAX_DEPTH = 64
MAX_FAULTS = 20

_after_value: Callable[[str, int], re.Match[str]] = re.compile(r"[ \t\n\r]*(,?)[ \t\n\r]*").match  # type: ignore[assignment]
_skip_space = re.compile(r"[ \t\n\r]*").match
# The usual member name, without escapes. The standard library reads any other.
_plain_name = re.compile(r'"([^"\\\x00-\x1f]*)"[ \t\n\r]*:[ \t\n\r]*').match
_unstorable = re.compile("[\x00\ud800-\udfff]").search
# A string without an end matches up to the end of the text. Otherwise each of its escaped quotes would be tried as
# the start of another string.
_brackets_and_strings = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


class BadJson(ValueError):
    """The text is not JSON; the message says where and why."""


class TooDeep(ValueError):
    """The text is JSON that is nested too deep for the parser itself."""


class ListMember(NamedTuple):
    """A member of the top-level object: a list, each of whose elements becomes a Document."""

    name: str
    max_elements: int


class TooMany(ValueError):
    """The list of a ListMember has more elements than it may have; the rest of the text was not read."""

    def __init__(self, member: ListMember) -> None:
        super().__init__(member)
        self.member = member


class Document(NamedTuple):
    """A JSON text. `texts` and `repeated` are about the members of a top-level object; otherwise they are empty."""

    value: Any
    text: str  # exactly as written
    texts: dict[str, str]  # name of a member: its value exactly as written
    repeated: set[str]  # names that occur more than once; `value` has the last value


def parse(text: str, list_member: ListMember | None = None) -> Document:
    """Read a whole text. Raises BadJson, TooDeep or TooMany."""
    try:
        document, end = _document(text, _end_of_space(text, 0), list_member)
        if _end_of_space(text, end) != len(text):
            raise BadJson(f"extra text after the value at character {end}")
        return document
    except RecursionError:
        if _is_balanced(text):
            raise TooDeep from None
        raise BadJson("brackets are not closed") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise BadJson(f"{error.msg} at {place}, got {error.doc[error.pos : error.pos + 1] or 'the end'!r}") from None
    except (BadJson, TooMany):
        raise
    except ValueError:  # int() refuses thousands of digits
        raise BadJson("a number has too many digits") from None


def faults(value: Any, text: str | None = None) -> list[tuple[str, str]]:
    """(path, "must be …, got …") for JSON that can't be stored: NUL, lone surrogates, nesting over MAX_DEPTH.

    `text`: what `value` was parsed from. It saves the walk through most values.
    """
    if text is not None and "\\u" not in text and text.count("[") + text.count("{") <= MAX_DEPTH:
        return []
    return list(islice(_walk(value), MAX_FAULTS))


def _document(text: str, start: int, list_member: ListMember | None = None) -> tuple[Document, int]:
    """The value at `start`, and where it ends."""
    if text[start : start + 1] != "{":
        value, end = _decoder.raw_decode(text, start)
        return Document(value, text[start:end], {}, set()), end
    value, texts, repeated = {}, {}, set()
    end = _end_of_space(text, start + 1)
    while text[end : end + 1] != "}" or value:
        name, begin = _name(text, end)
        if name in value:
            repeated.add(name)
        if list_member and name == list_member.name and text[begin : begin + 1] == "[":
            value[name], end = _documents(text, begin, list_member)
        else:
            value[name], end = _decoder.raw_decode(text, begin)
        texts[name] = text[begin:end]
        after = _after_value(text, end)
        end = after.end()
        if not after[1]:
            if text[end : end + 1] != "}":
                raise BadJson(f"expected , or }} at character {end}")
            break
    return Document(value, text[start : end + 1], texts, repeated), end + 1


def _documents(text: str, start: int, member: ListMember) -> tuple[list[Document], int]:
    """The elements of a list. Too many are refused while reading, since millions of tiny ones fit into a request."""
    documents: list[Document] = []
    end = _end_of_space(text, start + 1)
    while text[end : end + 1] != "]" or documents:
        if len(documents) == member.max_elements:
            raise TooMany(member)
        document, end = _document(text, end)
        documents.append(document)
        end = _end_of_space(text, end)
        if text[end : end + 1] == "]":
            break
        _expect(",", text, end)
        end = _end_of_space(text, end + 1)
    return documents, end + 1


def _name(text: str, at: int) -> tuple[str, int]:
    """The name of the member at `at`, and where its value begins."""
    match = _plain_name(text, at)
    if match:
        return match[1], match.end()
    _expect('"', text, at)
    name, end = scanstring(text, at + 1, True)
    end = _end_of_space(text, end)
    _expect(":", text, end)
    return name, _end_of_space(text, end + 1)


def _expect(mark: str, text: str, at: int) -> None:
    if text[at : at + 1] != mark:
        raise BadJson(f"expected {mark} at character {at}")


def _end_of_space(text: str, start: int) -> int:
    match = _skip_space(text, start)
    return match.end() if match else start


def _refuse_constant(name: str) -> None:
    raise BadJson(f"{name} is not a JSON number")


def _double(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise BadJson("a number is beyond the range of a double")
    return number


_decoder = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_double)


def _is_balanced(text: str) -> bool:
    depth = 0
    for match in _brackets_and_strings.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
    return depth == 0


def _walk(root: Any) -> Iterator[tuple[str, str]]:
    """Depth first without recursion."""
    waiting: list[tuple[str, Any, int]] = [("", root, 1)]
    while waiting:
        path, value, depth = waiting.pop()
        if isinstance(value, str) and _unstorable(value):
            yield path, "must be text without NUL and lone surrogates, got one"
        elif isinstance(value, list | dict) and depth > MAX_DEPTH:
            yield path, f"must be nested at most {MAX_DEPTH} deep, got more"
        elif isinstance(value, list):
            waiting += [(_joined(path, index), item, depth + 1) for index, item in enumerate(value)]
        elif isinstance(value, dict):
            for name in value:
                if _unstorable(name):
                    yield path, "must have names without NUL and lone surrogates, got one"
            waiting += [(_joined(path, name), item, depth + 1) for name, item in value.items()]


def _joined(path: str, name: Any) -> str:
    return f"{path}.{str(name)[:60]}" if path else str(name)[:60]
