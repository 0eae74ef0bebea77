"""Reads the answers of one connection by llhttp, strictly and within limits.

A final status line that came with its end is an answer. From there on the target has said what became of the request,
so whatever is odd behind the status marks the body and never unsays the status: `truncated` when the body did not come
whole, `unreadable` when head or body break the rules of framing. Such a connection is not used again. llhttp takes some
heads that RFC 9112 leaves ambiguous (a coding beside chunked, chunked in HTTP/1.0, RTSP); they are looked for here.
Nothing is decompressed here. No text quotes what came, since a target may echo our headers.
"""

import re
from typing import NamedTuple

import httptools

from workers.transport.outcome import Failed

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 100
MAX_BODY_READ_BYTES = 1024 * 1024
MAX_BODY_KEPT_BYTES = 64 * 1024

_CHUNK_COST_BYTES = 64  # a body in chunks of one byte would cost seconds of CPU
_LINE_COST_BYTES = 16
_BODILESS = (204, 304)
_INTERIM = rb"(?:HTTP/1\.[01] 1[0-9]{2}(?: [^\n]*|\r)?\n(?:[^\r\n][^\n]*\n)*\r?\n)*"
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")
_STATUS_LINE = re.compile(_INTERIM + rb"HTTP/1\.([01]) ([2-9][0-9]{2})(?: [^\r\n\0]*)?\r?\n")


class Answer(NamedTuple):
    """A final answer; header names as sent, values decoded as Latin-1. `body` is what was kept: its beginning."""

    status_code: int
    headers: list[tuple[str, str]]
    body: bytes
    truncated: bool
    unreadable: bool


class _Enough(Exception):  # noqa: N818
    """Raised in a callback to stop the parser: nothing more of the answer is wanted."""


class AnswerReader:
    """`expect` an answer, `feed` what comes until it is over, or `end` it; then `answer`."""

    __slots__ = (
        "_body",
        "_failure",
        "_has_excess",
        "_head",
        "_head_bytes",
        "_headers",
        "_is_until_end",
        "_is_whole",
        "_keeps_open",
        "_kept_bytes",
        "_parser",
        "_read_bytes",
        "_status_code",
        "_verb",
        "is_over",
        "truncated",
        "unreadable",
    )

    def __init__(self) -> None:
        self._parser = self._new_parser()

    def expect(self, verb: str) -> None:
        """Begin with the answer to a request of this method."""
        self._verb = verb
        self._head: list[bytes] = []  # as it came
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._head_bytes = self._read_bytes = self._kept_bytes = self._status_code = 0
        self._is_until_end = self._is_whole = self._keeps_open = self._has_excess = False
        self.is_over = self.truncated = self.unreadable = False
        self._failure = ""

    def feed(self, data: bytes) -> bool:
        """Take what came; returns whether the answer is over."""
        if not self._status_code:
            self._head.append(data)
        self._read_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not isinstance(error.__context__, _Enough) and not self._unfolds_head():
                self._break("the answer breaks the rules of HTTP/1")
        if not self._status_code:
            self._limit_head(self._read_bytes)
        elif self._read_bytes > MAX_BODY_READ_BYTES:
            self._cut()
        return self.is_over

    def end(self, properly: bool) -> None:
        """Nothing more comes. `properly`: the target closed the connection in order."""
        if not (self._is_until_end and properly):
            self._cut()
        self.is_over = True

    def answer(self) -> Answer | None:
        """The answer as far as it came; None when not even its status did. Raises Failed when it is no HTTP/1."""
        status_code = self._status_code or self._read_status()[0]
        if not status_code:
            if self._failure:
                raise Failed("protocol", self._failure)
            return None
        if self._is_bodiless(status_code):
            return Answer(status_code, self._headers, b"", False, False)
        return Answer(status_code, self._headers, b"".join(self._body), self.truncated, self.unreadable)

    @property
    def leaves_open(self) -> bool:
        """Whether another request may follow on the connection: the answer was whole and no byte came behind it."""
        return self._is_whole and self._keeps_open and not self._has_excess

    # Called by the parser.

    def on_message_begin(self) -> None:
        if self.is_over:
            self._has_excess = True
            raise _Enough

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._status_code:  # a trailer
            self._read_bytes += _CHUNK_COST_BYTES
            return
        self._head_bytes += len(name) + len(value)
        self._limit_head(self._head_bytes)
        if len(self._headers) == MAX_HEADERS:
            self._break(f"the answer has over {MAX_HEADERS} headers")
        if self.is_over:
            raise _Enough
        self._headers.append((name.decode("latin-1"), value.decode("latin-1").strip(" \t")))

    def on_headers_complete(self) -> None:
        if 100 <= self._parser.get_status_code() < 200:
            self._pass_interim()
            return
        self._status_code, is_http_1_1 = self._read_status()
        self._read_framing(is_http_1_1)
        self.is_over = self.is_over or self._is_bodiless(self._status_code)
        if self.is_over:
            raise _Enough

    def on_chunk_header(self) -> None:
        self._read_bytes += _CHUNK_COST_BYTES
        if self._read_bytes > MAX_BODY_READ_BYTES:
            self._cut()
            raise _Enough

    def on_body(self, data: bytes) -> None:
        kept = data[: MAX_BODY_KEPT_BYTES - self._kept_bytes]
        if kept:
            self._kept_bytes += len(kept)
            self._body.append(kept)
        self.truncated = self.truncated or len(kept) < len(data)

    def on_message_complete(self) -> None:
        if self._status_code:
            self.is_over = self._is_whole = True

    def _new_parser(self) -> httptools.HttpResponseParser:
        parser = httptools.HttpResponseParser(self)
        # A line may end in LF alone (RFC 9112, 2.2); what we read is passed on to nobody who could read it otherwise.
        parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True)
        return parser

    def _unfolds_head(self) -> bool:
        """Whether what llhttp refused is a folded header line, which a client has to unfold (RFC 9112, 5.2). The head
        is read again when it has come whole."""
        came = b"".join(self._head)
        end, start = _END_OF_HEAD.search(came), came.find(b"\n") + 2
        if self._status_code or not _FOLD.search(came, start, end.start() if end else len(came)):
            return False
        if end:
            unfolded = came[:start] + _FOLD.sub(b" ", came[start : end.start()]) + came[end.start() :]
            self._parser = self._new_parser()
            self._headers.clear()
            self._head = []
            self.feed(unfolded)
        return True

    def _pass_interim(self) -> None:
        if self._parser.get_status_code() == 101:
            self._break("the target switched protocols unasked")
        self._headers.clear()
        self._head_bytes += _LINE_COST_BYTES
        self._limit_head(self._head_bytes)
        if self.is_over:
            raise _Enough

    def _read_status(self) -> tuple[int, bool]:
        """The final status and whether its line says HTTP/1.1; 0 when the line did not come whole or is not HTTP/1."""
        match = _STATUS_LINE.match(b"".join(self._head))
        return (int(match[2]), match[1] == b"1") if match else (0, False)

    def _read_framing(self, is_http_1_1: bool) -> None:
        """How the body ends, and whether the target agrees to another request on the connection."""
        fields: dict[str, list[str]] = {}
        for name, value in self._headers:
            fields.setdefault(name.lower(), []).append(value)
        encodings = [value.lower() for value in fields.get("transfer-encoding", [])]
        options = ",".join(fields.get("connection", [])).lower().replace(",", " ").split()
        self._keeps_open = is_http_1_1 and "close" not in options
        self._is_until_end = not encodings and "content-length" not in fields
        if not self._status_code:
            self._break("the answer is not HTTP/1 with a status from 200 to 999")
        if encodings and (encodings != ["chunked"] or not is_http_1_1):
            self._break("the answer's Transfer-Encoding is not chunked alone")

    def _is_bodiless(self, status_code: int) -> bool:
        return self._verb == "HEAD" or status_code in _BODILESS

    def _limit_head(self, head_bytes: int) -> None:
        if head_bytes > MAX_HEAD_BYTES:
            self._break(f"the head of the answer exceeds {MAX_HEAD_BYTES} bytes")

    def _break(self, why: str) -> None:
        """The rest can't be read."""
        if not self.is_over:
            self.is_over = self.truncated = self.unreadable = True
            self._failure = why

    def _cut(self) -> None:
        """The rest did not come, or is not wanted."""
        if not self.is_over:
            self.is_over = self.truncated = True
