"""Connects to the first of several addresses that answers, tried side by side (happy eyeballs, RFC 8305).

An address that is silent does not hold up the next for longer than a moment, and which one answered is remembered for
a while: the next attempt begins with it.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

NEXT_AFTER_S = 0.25
REMEMBERED_S = 600.0
REMEMBERED_HOSTS = 10_000


class Closable(Protocol):
    def close(self) -> None: ...


Opened = TypeVar("Opened", bound=Closable)


class GoodAddresses:
    """Remembers the address of each host that answered last, for `REMEMBERED_S`."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def note(self, host: str, address: str) -> None:
        self._known[host] = (address, time.monotonic() + REMEMBERED_S)
        self._known.move_to_end(host)
        if len(self._known) > REMEMBERED_HOSTS:
            self._known.popitem(last=False)

    def first(self, host: str, addresses: list[str]) -> list[str]:
        """The addresses in the order to try them: the good one first, then the families in turn."""
        good, until_s = self._known.get(host, ("", 0.0))
        ordered = _families_in_turn(addresses)
        if good in ordered and time.monotonic() < until_s:
            ordered.remove(good)
            ordered.insert(0, good)
        return ordered


def _families_in_turn(addresses: list[str]) -> list[str]:
    first = [each for each in addresses if (":" in each) == (":" in addresses[0])]
    other = [each for each in addresses if each not in first]
    rest = first[len(other) :] or other[len(first) :]
    return [each for pair in zip(first, other, strict=False) for each in pair] + rest


async def race(addresses: list[str], connect: Callable[[str], Awaitable[Opened]]) -> Opened:
    """What `connect` opened for the first address that answered. Raises the last OSError when none did."""
    if len(addresses) == 1:
        return await connect(addresses[0])
    left, running = list(addresses), set[asyncio.Task[Opened]]()
    try:
        while left or running:
            if left:
                running.add(asyncio.ensure_future(connect(left.pop(0))))
            done, running = await asyncio.wait(
                running, timeout=NEXT_AFTER_S if left else None, return_when=asyncio.FIRST_COMPLETED
            )
            for trial in done:
                if trial.exception() is None:
                    running |= done - {trial}
                    return trial.result()
                failed = trial.exception()
    finally:
        for trial in running:
            trial.add_done_callback(_close_unwanted)
            trial.cancel()
    assert failed is not None
    raise failed


def _close_unwanted(trial: asyncio.Task[Opened]) -> None:
    if not trial.cancelled() and trial.exception() is None:
        trial.result().close()
