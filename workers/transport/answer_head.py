"""Reads what llhttp does not tell, or reads otherwise than RFC 9112, in the head of an answer."""

import re
from collections.abc import Sequence

Headers = list[tuple[str, str]]

_INTERIM = rb"(?:HTTP/1\.[01] 1[0-9]{2}(?: [^\n]*|\r)?\n(?:[^\r\n][^\n]*\n)*\r?\n)*"
_STATUS_LINE = re.compile(_INTERIM + rb"HTTP/1\.([01]) ([2-9][0-9]{2})(?: [^\r\n\0]*)?\r?\n")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")


def final_status(head: bytes) -> tuple[int, bool]:
    """The final status and whether its line says HTTP/1.1; 0 when the line did not come whole or is not HTTP/1."""
    match = _STATUS_LINE.match(head)
    return (int(match[2]), match[1] == b"1") if match else (0, False)


def unfolded(head: bytes) -> bytes | None:
    """The head with its folded lines joined, as a client has to read them (RFC 9112, 5.2), and what came behind it.
    Empty when more of it is to come; None when no line is folded."""
    start, end = head.find(b"\n") + 2, _END_OF_HEAD.search(head)
    if not _FOLD.search(head, start, end.start() if end else len(head)):
        return None
    return head[:start] + _FOLD.sub(b" ", head[start : end.start()]) + head[end.start() :] if end else b""


def values_of(headers: Headers, name: str) -> list[str]:
    """The values of the headers of this name, in lower case."""
    return [value.lower() for key, value in headers if key.lower() == name]


def frames_badly(codings: Sequence[str], is_http_1_1: bool) -> bool:
    """Whether the Transfer-Encoding is other than chunked alone, or in HTTP/1.0: llhttp takes both."""
    return bool(codings) and (codings != ["chunked"] or not is_http_1_1)
