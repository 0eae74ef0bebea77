"""Where ids, tokens, chances and instants come from, all of them fixed."""

import os
import platform
import random
import secrets
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from models.database import connection, host_clock, ids, settling
from models.flows import pacing
from models.jobs import job_store
from models.rules import clock
from tests.support.clocks import START, MovedClock

CHANCE = 0.25
FIRST_FENCE = 500_001


class Sources:
    """`restart` before each action, so that no action depends on those before it."""

    def __init__(self):
        self.clock = MovedClock(START)
        self.restart()

    def restart(self):
        self.clock.now = START
        self._drawn = 0

    def next(self, *_):
        self._drawn += 1
        return self._drawn

    def fence(self, bits):
        return FIRST_FENCE + self.next() if bits == 62 else self.next() << 100

    def token(self, size=32):
        return f"token-{self.next():0{size}}"

    def bytes_of(self, size):
        return self.next().to_bytes(size, "big")


@contextmanager
def fixed_sources():
    sources = Sources()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "source", sources.clock)
        patch.setattr(clock, "wall_clock", sources.clock)
        patch.setattr(ids, "random", SimpleNamespace(getrandbits=sources.next))
        patch.setattr(random, "random", lambda: CHANCE)
        patch.setattr(random, "uniform", lambda low, high: low + CHANCE * (high - low))
        patch.setattr(secrets, "randbits", sources.fence)
        patch.setattr(secrets, "token_urlsafe", sources.token)
        patch.setattr(secrets, "token_bytes", sources.bytes_of)
        patch.setattr(platform, "node", lambda: "sender.example")
        patch.setattr(os, "getpid", lambda: 4711)
        _fix_database_clock(patch)
        patch.setattr(connection, "release_connection", lambda: None)  # an action is a part of a transaction
        job_store._insert_one_sql.cache_clear()
        yield sources
    job_store._insert_one_sql.cache_clear()


def _fix_database_clock(patch):
    """PostgreSQL reads a clock of its own."""
    for module in (settling, pacing, host_clock):
        patch.setattr(module, "NOW", f"{START}::bigint")
    patch.setattr(settling, "OLDEST_WRITE", f"SELECT {START}::bigint")
    patch.setattr(pacing, "SAME_US", 2**62)
