"""Runs an event loop in a thread of its own: starts it, hands calls over to it, ends it."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

JOIN_LIMIT_S = 5.0


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


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop of uvloop, or the standard one where there is no uvloop (Windows)."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
