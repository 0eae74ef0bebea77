"""A proxy for TCP that forwards, delays, falls silent or cuts connections on command: a network that misbehaves.

One thread with an asyncio loop owns all connections; leaving the context ends it. While it is silent it accepts
connections and closes none, but forwards nothing: what arrives waits, and goes on when it speaks again.
"""

import asyncio
import contextlib
import random
import threading
from typing import Self
from urllib.parse import urlsplit, urlunsplit

PIECE = 65_536
JOIN_SECONDS = 10


class StallingProxy:
    """A context. `port`: where it listens, on loopback; the target may be away."""

    def __init__(self, target_port: int, target_host: str = "127.0.0.1") -> None:
        self._target = target_host, target_port
        self._loop = asyncio.new_event_loop()
        self._speaks = asyncio.Event()
        self._speaks.set()
        self._delay_s = 0.0
        self._cut_at, self._one_in, self._chance = b"", 1, random.Random(1)
        self.cuts = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        self._listening = threading.Event()
        self.port = 0
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()), name="proxy")

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listening.wait(JOIN_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._ended.set)
        self._thread.join(JOIN_SECONDS)
        self._loop.close()

    def url(self, url: str) -> str:
        """The URL of the target, through this proxy."""
        parts = urlsplit(url)
        user, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{user}{at}127.0.0.1:{self.port}"))

    def silence(self) -> None:
        """Forward nothing from now on."""
        self._call(self._speaks.clear)

    def speak(self) -> None:
        """Forward again, first what came meanwhile."""
        self._call(self._speaks.set)

    def delay(self, seconds: float) -> None:
        """Forward each piece so much later."""
        self._delay_s = seconds

    def drop(self) -> None:
        """Cut every connection; new ones are accepted."""
        self._call(lambda: [writer.transport.abort() for writer in self._writers])

    def cut_at(self, octets: bytes, one_in: int) -> None:
        """Cut the connection of one in so many pieces that have these octets, once its target has them; b"" cuts none.
        `cuts` counts."""
        self._cut_at, self._one_in = octets, one_in

    @contextlib.contextmanager
    def silent(self):
        """Silent while the block lasts."""
        self.silence()
        try:
            yield
        finally:
            self.speak()

    def _call(self, function) -> None:
        """Call this in the loop, and wait until it is done."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (function(), done.set()))
        assert done.wait(JOIN_SECONDS)

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._ended.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            await asyncio.gather(
                self._copy(reader, far_writer, writer.transport), self._copy(far_reader, writer, far_writer.transport)
            )
        writer.transport.abort()

    def _is_to_cut(self, piece: bytes) -> bool:
        if not self._cut_at or self._cut_at not in piece:
            return False
        return self._chance.randrange(self._one_in) == 0  # one in turn would meet the same client at each try

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, source: asyncio.WriteTransport
    ) -> None:
        """Copy until one side ends; then the other side hears of it, but not while the proxy is silent."""
        self._writers.add(writer)
        try:
            while piece := await reader.read(PIECE):
                await asyncio.sleep(self._delay_s)
                await self._speaks.wait()
                writer.write(piece)
                if self._is_to_cut(piece):
                    self.cuts += 1
                    source.abort()  # before the answer can come
                await writer.drain()
        finally:
            self._writers.discard(writer)
        await self._speaks.wait()
        writer.close()
