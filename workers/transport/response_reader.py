"""Reads one HTTP/1.x answer from a socket, strictly, within limits and under the attempt's deadline.

Why not http.client: it takes a header block that was cut for a whole one, reads `Content-Length: -5` as
"until the end", prefers one of two contradicting lengths, and gives 103 for a final status. A record of
what a target answered must not rest on a guess, so whatever RFC 9112 calls invalid is Failed here. Nothing
is decompressed. Texts of failures never quote what came, since a target may echo our headers.
"""

import re
from typing import NamedTuple

from models.rules.request_rules import is_token
from workers.transport.byte_reader import ByteReader
from workers.transport.outcome import Failed

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 100
MAX_BODY_READ_BYTES = 1024 * 1024
MAX_BODY_KEPT_BYTES = 64 * 1024

_STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([1-5][0-9]{2})(?: .*)?")
_LENGTH = re.compile(r"[0-9]{1,18}")
_LINE_COST_BYTES = 64
_CHUNK_LINE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\0]*)?")
_FOLD = re.compile(rb"\n[ \t]+")


class Head(NamedTuple):
    """Status and headers of a final answer; header names as sent, values decoded as Latin-1."""

    status_code: int
    headers: list[tuple[str, str]]
    minor_version: int

    def values(self, name: str) -> list[str]:
        """The comma-parted values of every header of this lower-case name, in lower case."""
        return [v.strip(" \t").lower() for n, text in self.headers if n.lower() == name for v in text.split(",")]


class Body(NamedTuple):
    """`kept` is the beginning of the body, `truncated` says that more came, `whole` that it was read to its
    end.
    """

    kept: bytes
    truncated: bool
    whole: bool


def read_head(incoming: ByteReader) -> Head:
    """The final status and headers; interim answers (1xx) are passed over, within the same limit."""
    limit = MAX_HEAD_BYTES
    while True:
        block = incoming.block(limit)
        head = _parse_head(block)
        if head.status_code >= 200:
            return head
        if head.status_code == 101:
            raise Failed("protocol", "the target switched protocols unasked")
        limit -= len(block)


def read_body(incoming: ByteReader, method: str, head: Head) -> Body:
    """The body as it was sent, of which at most MAX_BODY_READ_BYTES are read.

    A chunk or trailer counts its framing and _LINE_COST_BYTES more, since a body in one-byte chunks would
    cost seconds of CPU.
    """
    incoming.taken_bytes = 0
    kept = _Kept()
    if method == "HEAD" or head.status_code in (204, 304):
        return kept.body(whole=True)
    length = _length(head)
    if length == "chunked":
        return kept.body(_read_chunks(incoming, kept))
    if length is None:
        return kept.body(_read_to_end(incoming, kept))
    return kept.body(_read_bytes(incoming, int(length), kept))


def stays_open(head: Head) -> bool:
    """Whether the target agrees to another request on the same connection."""
    return head.minor_version == 1 and "close" not in head.values("connection")


class _Kept:
    """Collects a body and keeps its beginning."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._came = 0

    def add(self, data: bytes) -> None:
        self._came += len(data)
        if len(self._kept) < MAX_BODY_KEPT_BYTES:
            self._kept += data[: MAX_BODY_KEPT_BYTES - len(self._kept)]

    def body(self, whole: bool) -> Body:
        return Body(bytes(self._kept), not whole or self._came > len(self._kept), whole)


def _parse_head(block: bytes) -> Head:
    text = block.replace(b"\r\n", b"\n")
    if b"\r" in text or b"\0" in text:
        raise Failed("protocol", "the headers of the answer hold a bare CR or a NUL")
    unfolded = _FOLD.sub(b" ", text) if b"\n " in text or b"\n\t" in text else text
    status, *lines = unfolded.decode("latin-1").split("\n")
    match = _STATUS_LINE.fullmatch(status)
    if match is None or not text.startswith(status.encode("latin-1")):
        raise Failed("protocol", "the status line of the answer is not HTTP/1 with a status from 100 to 599")
    if len(lines) > MAX_HEADERS:
        raise Failed("protocol", f"the answer has over {MAX_HEADERS} headers")
    return Head(int(match[2]), [_parse_header(line) for line in lines], int(match[1]))


def _parse_header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not is_token(name):
        raise Failed("protocol", "a header line of the answer has no colon, or no token before it")
    return name, value.strip(" \t")


def _length(head: Head) -> str | None:
    """Digits, or "chunked", or None for "until the connection is closed"."""
    encodings, lengths = head.values("transfer-encoding"), set(head.values("content-length"))
    if encodings and (encodings != ["chunked"] or lengths or head.minor_version == 0):
        raise Failed("protocol", "the answer's Transfer-Encoding is not chunked alone, or it has a Content-Length too")
    if encodings:
        return "chunked"
    if len(lengths) > 1 or not all(map(_LENGTH.fullmatch, lengths)):
        raise Failed("protocol", "the answer's Content-Length is not one number")
    return lengths.pop() if lengths else None


def _read_bytes(incoming: ByteReader, length: int, kept: _Kept) -> bool:
    while length and incoming.taken_bytes < MAX_BODY_READ_BYTES:
        data = incoming.some(length)
        kept.add(data)
        length -= len(data)
    return length == 0


def _read_to_end(incoming: ByteReader, kept: _Kept) -> bool:
    while incoming.taken_bytes < MAX_BODY_READ_BYTES:
        data = incoming.some_or_end()
        if not data:
            return True
        kept.add(data)
    return False


def _read_chunks(incoming: ByteReader, kept: _Kept) -> bool:
    while incoming.taken_bytes < MAX_BODY_READ_BYTES:
        incoming.taken_bytes += _LINE_COST_BYTES
        match = _CHUNK_LINE.fullmatch(incoming.line())
        if match is None:
            raise Failed("protocol", "a chunk of the answer has no hexadecimal size, or a bare CR or a NUL")
        size = int(match[1], 16)
        if size == 0:
            return _read_trailers(incoming)
        if not _read_bytes(incoming, size, kept):
            return False
        if incoming.line():
            raise Failed("protocol", "a chunk of the answer is longer than its size")
    return False


def _read_trailers(incoming: ByteReader) -> bool:
    while incoming.taken_bytes < MAX_BODY_READ_BYTES:
        incoming.taken_bytes += _LINE_COST_BYTES
        if not incoming.line():
            return True
    return False
