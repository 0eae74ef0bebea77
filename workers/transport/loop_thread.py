"""Runs an event loop in a thread of its own, and measures how late it runs what is due."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

JOIN_LIMIT_S = 5.0
LAG_EVERY_S = 0.005


class LoopThread:
    """Takes `start`, then `call` from any thread, then `stop`. The thread is a daemon: what it waits for must not keep
    the process alive."""

    def __init__(self, name: str) -> None:
        self.loop = new_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread. Raises RuntimeError when the system gives none."""
        self._thread.start()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def call(self, function: Callable[..., object], *args: Any) -> None:
        """Have the loop call `function` soon. Raises RuntimeError when the loop has ended."""
        self.loop.call_soon_threadsafe(function, *args)

    def stop(self) -> None:
        """End the loop and wait for its thread; without effect when it has ended."""
        if not self.is_running:
            return
        self.call(self.loop.stop)
        self._thread.join(JOIN_LIMIT_S)

    def _run(self) -> None:
        try:
            self.loop.run_forever()
        finally:
            self._unwind()
            self.loop.close()

    def _unwind(self) -> None:
        """Let every coroutine end, so that each closes what it holds."""
        left = asyncio.all_tasks(self.loop)
        for coroutine in left:
            coroutine.cancel()
        if left:
            self.loop.run_until_complete(asyncio.wait(left, timeout=JOIN_LIMIT_S))


class LagMeter:
    """Looks every `LAG_EVERY_S` while the loop is busy, and passes on by how many seconds each look came late. Belongs
    to the loop alone."""

    def __init__(self, loop: asyncio.AbstractEventLoop, is_busy: Callable[[], bool], note: Callable[[float], object]):
        self._loop, self._is_busy, self._note = loop, is_busy, note
        self._is_watching = False

    def watch(self) -> None:
        """Look from now on, for as long as the loop is busy."""
        if not self._is_watching:
            self._is_watching = True
            self._look_next()

    def _look_next(self) -> None:
        self._loop.call_later(LAG_EVERY_S, self._look, time.monotonic() + LAG_EVERY_S)

    def _look(self, due_s: float) -> None:
        self._note(max(0.0, time.monotonic() - due_s))
        if self._is_busy():
            self._look_next()
        else:
            self._is_watching = False


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop of uvloop, or the standard one where there is no uvloop (Windows)."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
