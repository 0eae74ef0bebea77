"""The bytes that come on a connection, handed out by blocks, lines and pieces; the framing is the caller's
to know.

Nothing is read twice or skipped: what one answer left over is still there when its reader asks whether all
was taken.
"""

import re
import ssl

from workers.transport.outcome import Failed
from workers.transport.timed_socket import TimedSocket

_MAX_LINE_BYTES = 1024
_RECEIVE_BYTES = 64 * 1024
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")


class ByteReader:
    """The bytes that come on one connection, and those of them that nobody has taken yet."""

    def __init__(self, sock: TimedSocket) -> None:
        self._sock = sock
        self._held = bytearray()
        self.taken_bytes = 0

    def is_empty(self) -> bool:
        return not self._held

    def block(self, limit: int) -> bytes:
        """Everything up to the next empty line, without it."""
        searched_to = 0
        while (end := _END_OF_HEAD.search(self._held, searched_to)) is None and len(self._held) <= limit:
            if not b"HTTP/1.".startswith(self._held[:7]):
                raise Failed("protocol", "the answer is not HTTP/1")
            searched_to = max(0, len(self._held) - 3)
            self._receive_or_fail()
        if end is None or end.start() > limit:
            raise Failed("protocol", f"the headers of the answer exceed {limit} bytes")
        block = self._take(end.end())
        return block[: end.start()]

    def line(self) -> bytes:
        """One line of the framing of chunks, without its end."""
        searched_to = 0
        while (end := self._held.find(b"\n", searched_to)) < 0:
            searched_to = len(self._held)
            if searched_to > _MAX_LINE_BYTES:
                break
            self._receive_or_fail()
        if not 0 <= end <= _MAX_LINE_BYTES:
            raise Failed("protocol", f"a chunk's line exceeds {_MAX_LINE_BYTES} bytes")
        return self._take(end + 1)[:-1].removesuffix(b"\r")

    def some(self, most: int) -> bytes:
        """At least 1 and at most `most` bytes."""
        if not self._held:
            self._receive_or_fail()
        return self._take(most)

    def some_or_end(self) -> bytes:
        """Whatever comes next, or b"" when the target has closed the connection properly."""
        if not self._held and not self._receive():
            return b""
        return self._take(len(self._held))

    def _take(self, most: int) -> bytes:
        taken = bytes(self._held[:most])
        del self._held[:most]
        self.taken_bytes += len(taken)
        return taken

    def _receive_or_fail(self) -> None:
        if not self._receive():
            raise Failed("reset", "the target closed the connection before its answer was whole")

    def _receive(self) -> bool:
        try:
            received = self._sock.receive(_RECEIVE_BYTES)
        except ssl.SSLEOFError:
            raise Failed("reset", "the target cut the TLS connection before its answer was whole") from None
        except OSError as error:
            raise Failed("reset", f"the connection broke: {error.strerror or type(error).__name__}") from None
        if received:
            self._sock.deadline.note_first_byte()
        self._held += received
        return bool(received)
