"""Gathers the bytes of one request until a thread can serve it without waiting for the client.

It only finds where the request ends; gunicorn's parser judges it. What it can't tell is passed on at once, for the
parser to refuse. Bodies above IN_MEMORY go to a temporary file.
"""

import io
import re
import shutil
import tempfile
from typing import IO

IN_MEMORY = 1_048_576
MAX_HEAD = 131_072
MAX_CHUNK_LINE = 1024
HEX = re.compile(rb"[0-9A-Fa-f]{1,16}")
END_OF_HEAD = b"\r\n\r\n"


class RequestBuffer:
    """`feed` it what arrives. `max_body`: the app refuses a longer one, so it is not waited for."""

    def __init__(self, max_body: int) -> None:
        self._max_body = max_body
        self._head = bytearray()
        self._searched = 0
        self._body: _Sized | _Chunked | None = None
        self._file: IO[bytes] | None = None
        self.is_complete = self.expects_continue = self.is_too_large = False
        self.received = 0
        self.rest = b""  # what came behind this request

    @property
    def path(self) -> bytes:
        """The path of the request, once there is a head."""
        words = bytes(self._head[: self._head.find(b"\r\n")]).split(b" ")
        return words[1].partition(b"?")[0] if len(words) == 3 else b""

    @property
    def has_head(self) -> bool:
        return self._file is not None

    def feed(self, data: bytes) -> None:
        self.received += len(data)
        if not self.has_head:
            data = self._feed_head(data)
        if self._body is not None and data and not self.is_complete:
            self._feed_body(data)

    def file(self) -> IO[bytes]:
        """What has arrived, to be read from its beginning."""
        file = io.BytesIO(self._head) if self._file is None else self._file
        file.seek(0)
        return file

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _feed_head(self, data: bytes) -> bytes:
        """Add to the head; what belongs to the body is returned."""
        self._head += data
        end = self._head.find(END_OF_HEAD, max(0, self._searched - len(END_OF_HEAD)))
        self._searched = len(self._head)
        if end < 0:
            self.is_too_large = self.is_complete = len(self._head) > MAX_HEAD
            return b""
        end += len(END_OF_HEAD)
        body = bytes(self._head[end:])
        del self._head[end:]
        self._read_head(bytes(self._head))
        self._file = io.BytesIO()
        self._file.write(self._head)
        if self.is_complete:
            self.rest = body
        return body

    def _read_head(self, head: bytes) -> None:
        """Find out how the body's end is marked."""
        lines = head.split(b"\r\n")
        parts = [line.lower().partition(b":") for line in lines[1:]]
        fields = [(name.strip(), value.strip()) for name, _, value in parts]
        lengths = [value for name, value in fields if name == b"content-length"]
        codings = [value for name, value in fields if name == b"transfer-encoding"]
        if codings == [b"chunked"] and not lengths:
            self._body = _Chunked(self._max_body)
        elif len(lengths) == 1 and not codings and lengths[0].isdigit() and len(lengths[0]) < 20 and int(lengths[0]):
            self._body = _Sized(int(lengths[0]))
            self.is_too_large = int(lengths[0]) > self._max_body
        self.is_complete = self._body is None or self.is_too_large
        if not self.is_complete and (b"expect", b"100-continue") in fields and lines[0].endswith(b"HTTP/1.1"):
            self.expects_continue = True
            kept = [line for line in lines if line.partition(b":")[0].strip().lower() != b"expect"]
            self._head[:] = b"\r\n".join(kept)

    def _feed_body(self, data: bytes) -> None:
        assert self._body is not None
        assert self._file is not None
        used = self._body.feed(data)
        self._file.write(data[:used])
        if self.received > IN_MEMORY and isinstance(self._file, io.BytesIO):
            self._move_to_disk()
        self.is_complete, self.rest = self._body.is_complete, data[used:]

    def _move_to_disk(self) -> None:
        assert self._file is not None
        before = self.file()
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - its reader closes it
        shutil.copyfileobj(before, self._file)


class _Sized:
    """A body of a stated length."""

    def __init__(self, length: int) -> None:
        self._left = length
        self.is_complete = False

    def feed(self, data: bytes) -> int:
        """How many of the bytes belong to the body."""
        used = min(len(data), self._left)
        self._left -= used
        self.is_complete = not self._left
        return used


class _Chunked:
    """A body in chunks. It counts as complete, for the parser to refuse, where it is malformed or too long."""

    def __init__(self, max_body: int) -> None:
        self._budget = max_body
        self._skip = 0  # bytes of the present chunk that are still to come, with the end of its line
        self._line = b""
        self._in_trailer = False
        self.is_complete = False

    def feed(self, data: bytes) -> int:
        """How many of the bytes belong to the body."""
        at = 0
        while at < len(data) and not self.is_complete:
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._skip -= step
                at += step
            else:
                end = data.find(b"\n", at)
                end = len(data) if end < 0 else end + 1
                self._line += data[at:end]
                at = end
                self._read_line()
        return at

    def _read_line(self) -> None:
        if not self._line.endswith(b"\n"):
            self.is_complete = len(self._line) > MAX_CHUNK_LINE
            return
        line, self._line = self._line.strip(), b""
        if self._in_trailer:
            self.is_complete = not line
            return
        size = _chunk_size(line)
        self._budget -= size or 0
        self._in_trailer = size == 0
        if size is None or self._budget < 0:
            self.is_complete = True
        elif size:
            self._skip = size + 2


def _chunk_size(line: bytes) -> int | None:
    """The size that a chunk's line states; None for one that is malformed."""
    digits = line.partition(b";")[0].strip()
    return int(digits, 16) if HEX.fullmatch(digits) else None
