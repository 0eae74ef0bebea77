"""Fixes what differs from run to run: the clock, ids, tokens. Names the ids that the scenario gives."""

import base64
import re
from hashlib import sha256

from api.dashboard import sessions
from api.dashboard.pages import signing_in
from api.responses import responses
from models.accounts import key_format, session_store
from models.alerts import status_pages
from models.database import ids
from models.rules import clock, signatures
from tests.support.clocks import MovedClock

NOW = 1_773_153_320_123_456  # 2026-03-10T14:35:20.123456Z, a Tuesday
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")

BEFORE = 100  # so many ids and tokens may be drawn before the first visit

_names = {}  # by id


def uuid_of(name):
    """The id of the scenario's thing of this name. A recorded text shows the name."""
    digits = sha256(name.encode()).hexdigest()[:12]
    uuid = f"019c0de0-0000-7000-8000-{digits}"
    assert _names.setdefault(uuid, name) == name
    return uuid


def of_bob(name):
    """The id of the twin."""
    return uuid_of(f"bob's {name}")


def name_of(uuid):
    """The name that the scenario has for an id; None: it has given none such."""
    return _names.get(uuid)


def with_names(text):
    """The text with a name in the place of each id: those of the scenario, and `new 3` for the third of a visit."""
    return UUID.sub(lambda match: f"{{{_names.get(match[0]) or _name_of_new(match[0])}}}", text)


def _name_of_new(uuid):
    number = int(uuid[-8:], 16)
    return f"new {number - BEFORE}" if number > BEFORE else f"first {number}"


class Counted:
    """In the place of what draws at random: numbers that count up."""

    def __init__(self):
        self.number = 0

    def begin_again(self, number=BEFORE):
        """Count what a visit makes, always from the same number on."""
        self.number = number

    def _next(self):
        self.number += 1
        return self.number

    def getrandbits(self, _):
        return self._next()

    def randbits(self, _):
        return self._next()

    def token_bytes(self, length):
        return self._next().to_bytes(length)

    def token_urlsafe(self, length):
        return base64.urlsafe_b64encode(self.token_bytes(length)).rstrip(b"=").decode()


def fix(monkeypatch):
    """Fix them for a test; returns what counts the ids, keys and tokens."""
    monkeypatch.setattr(clock, "source", MovedClock(NOW))
    monkeypatch.setattr(responses, "new_request_id", lambda: "00000000000000ab")
    monkeypatch.setattr(signing_in, "failures", signing_in.Failures())
    counted = Counted()
    monkeypatch.setattr(ids, "random", counted)
    for module in (key_format, status_pages, signatures):
        monkeypatch.setattr(module, "secrets", counted)
    for module in (sessions, session_store):
        monkeypatch.setattr(module, "secrets", Counted())
    return counted
