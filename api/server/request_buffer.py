"""Gathers the bytes of one request until a thread can serve it without waiting for the client.

It only finds where the request ends; gunicorn's parser judges it. Where it can't tell, it passes on what it has, for
the parser to refuse, and no request may follow. Bodies above IN_MEMORY go to a temporary file.
"""

import io
import re
import shutil
import tempfile
from typing import IO

IN_MEMORY = 1_048_576
MAX_HEAD = 131_072
MAX_CHUNK_LINE = 1024
MORE_THAN_TAKEN = 65_536  # of a chunked body that is too long, so that the app finds that out without the client
HEX = re.compile(rb"[0-9A-Fa-f]{1,16}")
END_OF_HEAD = b"\r\n\r\n"


class RequestBuffer:
    """`feed` it what arrives. `max_body`: the app refuses a longer one, so it is not waited for.

    `is_last`: nothing may follow the request, because its end is not known or not waited for.
    """

    def __init__(self, max_body: int) -> None:
        self._max_body = max_body
        self._head = bytearray()
        self._searched = 0
        self._body: _Sized | _Chunked | None = None
        self._file: IO[bytes] | None = None
        self.is_complete = self.expects_continue = self.is_last = False
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
            self.is_last = self.is_complete = len(self._head) > MAX_HEAD
            return b""
        end += len(END_OF_HEAD)
        body = bytes(self._head[end:])
        del self._head[end:]
        self._read_head(bytes(self._head))
        self._file = io.BytesIO()
        self._file.write(self._head)
        if self.is_complete and not self.is_last:
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
        elif len(lengths) == 1 and not codings and lengths[0].isdigit() and len(lengths[0]) < 20:
            self._body = _Sized(int(lengths[0])) if int(lengths[0]) else None
            self.is_last = int(lengths[0]) > self._max_body
        else:
            self.is_last = bool(lengths or codings)
        self.is_complete = self._body is None or self.is_last
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
        self.is_complete, self.is_last = self._body.is_complete, self._body.is_last
        self.rest = b"" if self.is_last else data[used:]

    def _move_to_disk(self) -> None:
        assert self._file is not None
        before = self.file()
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - its reader closes it
        shutil.copyfileobj(before, self._file)


class _Sized:
    """A body of a stated length."""

    is_last = False

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
    """A body in chunks. It counts as complete, and `is_last`, where it is malformed or too long."""

    def __init__(self, max_body: int) -> None:
        self._left = max_body + MORE_THAN_TAKEN  # bytes of the body itself
        self._lines_left = 4 * max_body + MAX_HEAD  # of the lines around it, which are three for each byte at most
        self._skip = 0  # bytes of the present chunk that are still to come, with the end of its line
        self._line = b""
        self._in_trailer = False
        self.is_complete = self.is_last = False

    def feed(self, data: bytes) -> int:
        """How many of the bytes belong to the body."""
        at = 0
        while at < len(data) and not self.is_complete:
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._left -= max(0, min(step, self._skip - 2))
                self._skip -= step
                at += step
                self._end_if(self._left < 0)
            else:
                end = data.find(b"\n", at)
                end = len(data) if end < 0 else end + 1
                self._line += data[at:end]
                self._lines_left -= end - at
                at = end
                self._end_if(self._lines_left < 0)
                self._read_line()
        return at

    def _read_line(self) -> None:
        if not self._line.endswith(b"\n"):
            self._end_if(len(self._line) > MAX_CHUNK_LINE)
            return
        line, self._line = self._line, b""
        self._end_if(not line.endswith(b"\r\n"))
        if self._in_trailer:
            self.is_complete |= line == b"\r\n"
            return
        size = _chunk_size(line.strip())
        self._in_trailer = size == 0
        self._end_if(size is None)
        if size:
            self._skip = size + 2

    def _end_if(self, is_wrong: bool) -> None:
        if is_wrong:
            self.is_complete = self.is_last = True


def _chunk_size(line: bytes) -> int | None:
    """The size that a chunk's line states; None for one that is malformed."""
    digits = line.partition(b";")[0].strip()
    return int(digits, 16) if HEX.fullmatch(digits) else None
