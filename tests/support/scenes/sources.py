"""Takes the place of chance: what is drawn counts up, so each run draws the same."""

import random
import secrets
import uuid
from collections import defaultdict
from itertools import count
from types import SimpleNamespace

from workers.ticker import throttle

NOTHING_TOO_LONG = (  # a machine may stand still for a while
    "workers.delivery.delivery.HOLD_S",
    "workers.ticker.planner.LONGEST_TURN_S",
    "workers.ticker.alerting.LONGEST_TURN_S",
    "workers.operator_watch.sending.ROUNDS_S",
)
ID_BITS, REQUEST_ID_BITS = 80, 64
OF_ALL_REQUESTS = 0xA1CC7F6D0A5C4F0E  # a number for each would change with each request that a scenario gets
NOTHING_KEPT = (  # by the clock on the wall: how long what was read counts
    "workers.delivery.config_cache.CACHED_S",
    "workers.delivery.host_health.LOOK_EVERY_S",
    "api.key_cache.CACHED_S",
    "api.key_cache.REFRESH_S",
)
TOOK_S = 1 / 64  # each request of the API; a sum of such is exact


class Drawn:
    """Each kind counts by itself."""

    def __init__(self):
        self.next, self.of_libraries = defaultdict(lambda: count(1)), random.getrandbits

    def bits(self, number):
        """Of ids; libraries draw as ever."""
        if number == ID_BITS:
            return next(self.next["ids"])
        return OF_ALL_REQUESTS if number == REQUEST_ID_BITS else self.of_libraries(number)

    def secret_bits(self, number):
        return next(self.next[number]) * 1_000_003

    def secret_octets(self, number):
        return bytes([next(self.next["octets"]) % 256]) * number

    def secret_text(self, number):
        return f"secret{next(self.next['text'])}".ljust(number * 4 // 3 + 1, "x")

    def uuid4(self):
        return uuid.UUID(int=next(self.next["uuid4"]) | 4 << 76 | 2 << 62)


def fix_sources(monkeypatch):
    """Let nothing depend on chance, on the machine or on how quick it is."""
    drawn, began = Drawn(), count()
    monkeypatch.setattr(random, "getrandbits", drawn.bits)
    monkeypatch.setattr(random, "random", lambda: 0.5)
    monkeypatch.setattr(random, "uniform", lambda least, most: (least + most) / 2)
    monkeypatch.setattr(secrets, "randbits", drawn.secret_bits)
    monkeypatch.setattr(secrets, "token_bytes", drawn.secret_octets)
    monkeypatch.setattr(secrets, "token_urlsafe", drawn.secret_text)
    monkeypatch.setattr(uuid, "uuid4", drawn.uuid4)
    monkeypatch.setattr("platform.node", lambda: "worker-host")
    monkeypatch.setattr("api.request_log.time", SimpleNamespace(perf_counter=lambda: next(began) * TOOK_S))
    monkeypatch.setattr(throttle, "LONGEST_REST_US", 0)
    for place in NOTHING_KEPT:
        monkeypatch.setattr(place, 0.0)
    for place in NOTHING_TOO_LONG:
        monkeypatch.setattr(place, 1e9)
