"""Reads the answers of one connection by llhttp, strictly and within limits.

A final status line that came with its end is an answer. From there on the target has said what became of the request,
so whatever is odd behind the status marks the body and never unsays the status: `truncated` when the body did not come
whole, `unreadable` when head or body break the rules of framing. Such a connection is not used again. Nothing is
decompressed here. No text quotes what came, since a target may echo our headers.
"""

import httptools

from workers.transport.answer_head import Headers, final_status, frames_badly, unfolded, values_of
from workers.transport.outcome import Answered, Failed, Timings

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 100
MAX_BODY_READ_BYTES = 1024 * 1024
MAX_BODY_KEPT_BYTES = 64 * 1024

_LINE_COST_BYTES = 64  # a body in chunks of one byte would cost seconds of CPU
_BODILESS = (204, 304)


class _Enough(Exception):  # noqa: N818
    """Is raised in a callback to stop the parser: nothing more of the answer is wanted."""


class AnswerReader:
    """Reads one answer after another: `expect` it, `feed` what comes until it is over, or `end` it; then `answer`."""

    def __init__(self, kept_bytes: int = MAX_BODY_KEPT_BYTES) -> None:
        """`kept_bytes`: how much of a body is kept."""
        self.kept_bytes = kept_bytes
        self._parser = self._new_parser()

    def expect(self, verb: str) -> None:
        """Begin with the answer to a request of this method."""
        self._verb = verb
        self._head = b""  # as it came
        self._headers: Headers = []
        self._body: list[bytes] = []
        self._head_bytes = self._read_bytes = self._kept_bytes = self._status_code = 0
        self._is_until_end = self._keeps_open = self._is_over = self._truncated = self._unreadable = False
        self._failure = ""
        self.leaves_open = False  # another request may follow: the answer was whole and no byte came behind it

    def feed(self, data: bytes) -> bool:
        """Take what came; returns whether the answer is over."""
        if not self._status_code:
            self._head += data
        self._read_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not isinstance(error.__context__, _Enough) and not self._unfold():
                self._break("the answer breaks the rules of HTTP/1")
        if not self._status_code:
            self._limit_head(self._read_bytes)
        elif self._read_bytes > MAX_BODY_READ_BYTES:
            self._cut()
        return self._is_over

    def end(self, properly: bool) -> None:
        """Note that nothing more comes. `properly`: the target closed the connection in order."""
        if not (self._is_until_end and properly):
            self._cut()
        self._is_over = True

    def answer(self, timings: Timings) -> Answered | None:
        """The answer as far as it came; None when not even its status did. Raises Failed when it is no HTTP/1."""
        status_code = self._status_code or final_status(self._head)[0]
        if not status_code:
            if self._failure:
                raise Failed("protocol", self._failure)
            return None
        if self._is_bodiless(status_code):
            return Answered(status_code, self._headers, b"", False, timings)
        body = b"".join(self._body)
        return Answered(status_code, self._headers, body, self._truncated, timings, self._unreadable)

    # Called by the parser.

    def on_message_begin(self) -> None:
        if self._is_over:
            self.leaves_open = False
            raise _Enough

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._status_code:  # a trailer
            self._read_bytes += _LINE_COST_BYTES
            return
        self._head_bytes += len(name) + len(value)
        self._limit_head(self._head_bytes)
        if len(self._headers) == MAX_HEADERS:
            self._break(f"the answer has over {MAX_HEADERS} headers")
        if self._is_over:
            raise _Enough
        self._headers.append((name.decode("latin-1"), value.decode("latin-1").strip(" \t")))

    def on_headers_complete(self) -> None:
        if 100 <= self._parser.get_status_code() < 200:
            self._pass_interim()
            return
        self._status_code, is_http_1_1 = final_status(self._head)
        codings = values_of(self._headers, "transfer-encoding")
        self._is_until_end = not codings and not values_of(self._headers, "content-length")
        self._keeps_open = is_http_1_1 and self._parser.should_keep_alive()
        if not self._status_code:
            self._break("the answer is not HTTP/1 with a status from 200 to 999")
        if frames_badly(codings, is_http_1_1):
            self._break("the answer's Transfer-Encoding is not chunked alone")
        if self._is_over or self._is_bodiless(self._status_code):
            self._is_over = True
            raise _Enough

    def on_chunk_header(self) -> None:
        self._read_bytes += _LINE_COST_BYTES
        if self._read_bytes > MAX_BODY_READ_BYTES:
            self._cut()
            raise _Enough

    def on_body(self, data: bytes) -> None:
        kept = data[: self.kept_bytes - self._kept_bytes]
        if kept:
            self._kept_bytes += len(kept)
            self._body.append(kept)
        self._truncated = self._truncated or len(kept) < len(data)

    def on_message_complete(self) -> None:
        if self._status_code:
            self._is_over, self.leaves_open = True, self._keeps_open

    def _new_parser(self) -> httptools.HttpResponseParser:
        parser = httptools.HttpResponseParser(self)
        # A line may end in LF alone (RFC 9112, 2.2); what we read is passed on to nobody who could read it otherwise.
        parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True)
        return parser

    def _unfold(self) -> bool:
        """Read the head again without its folded lines, once it has come whole; returns whether it has any."""
        head = None if self._status_code else unfolded(self._head)
        if head:
            self._parser = self._new_parser()
            self._headers.clear()
            self._head = b""
            self.feed(head)
        return head is not None

    def _pass_interim(self) -> None:
        if self._parser.get_status_code() == 101:
            self._break("the target switched protocols unasked")
            raise _Enough
        self._headers.clear()

    def _is_bodiless(self, status_code: int) -> bool:
        return self._verb == "HEAD" or status_code in _BODILESS

    def _limit_head(self, head_bytes: int) -> None:
        if head_bytes > MAX_HEAD_BYTES:
            self._break(f"the head of the answer exceeds {MAX_HEAD_BYTES} bytes")

    def _break(self, why: str) -> None:
        """End, since the rest can't be read."""
        if not self._is_over:
            self._is_over = self._truncated = self._unreadable = True
            self._failure = why

    def _cut(self) -> None:
        """End, since the rest did not come, or is not wanted."""
        if not self._is_over:
            self._is_over = self._truncated = True
