"""Both clients by one face, so that a test is written once."""

import asyncio
import inspect

from booper_client import AsyncClient, Client

KINDS = ("sync", "async")


def client_of(kind, *arguments, **options):
    if kind == "sync":
        return Client(*arguments, **options)
    return Awaited(AsyncClient(*arguments, **options), asyncio.new_event_loop())


class Awaited:
    """An object whose coroutines are awaited and whose iterators of coroutines are read to the end."""

    def __init__(self, inner, loop):
        self._inner, self._loop = inner, loop

    def __getattr__(self, name):
        value = getattr(self._inner, name)
        if inspect.ismethod(value):
            return lambda *arguments, **options: self._result(value(*arguments, **options))
        return Awaited(value, self._loop) if hasattr(value, "__dict__") else value

    def _result(self, value):
        if inspect.iscoroutine(value):
            return self._loop.run_until_complete(value)
        if inspect.isasyncgen(value):
            return self._loop.run_until_complete(_read(value))
        return value


async def _read(iterator):
    return [item async for item in iterator]
