"""What `booper listen` makes of each answer to what it brings back, and for how much it asks at once."""

import threading
from types import SimpleNamespace

import pytest

from booper_client import ApiError, ConflictError, ConnectionFailedError, InvalidRequestError, UnauthenticatedError
from booper_client.cli.listening import listening
from booper_client.cli.listening.listening import Listening
from booper_client.errors import UnavailableError
from booper_client.models.listeners import LocalAnswer, TakenRequest

LOST = ConnectionFailedError("no answer")


def refused(kind, status, code="a_code"):
    return kind({"status": status, "code": code, "message": "m"})


BUSY, SECOND = refused(UnavailableError, 503), refused(ConflictError, 409)
LATE, WRONG = refused(ApiError, 410, "gone"), refused(InvalidRequestError, 422)


def taken(number=1, seconds_left=60.0):
    return TakenRequest(
        **{"raw": {}, "id": f"r-{number}", "job_id": number, "attempt": 1, "method": "GET", "path": "/"},
        **{"headers": {}, "seconds_left": seconds_left, "keep_bytes": 9},
    )


class Fetching:
    """A client: what its looks give, and what its answers meet. `limits`: how much each look wanted."""

    def __init__(self, looks=(), replies=()):
        self.listeners, self._looks, self._replies = self, list(looks), list(replies)
        self.limits, self.answers = [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def take(self, _name, limit, wait):
        assert wait == listening.WAIT_S
        self.limits.append(limit)
        look = self._looks.pop(0)
        if isinstance(look, BaseException):
            raise look
        return look

    def answer(self, name, request, answer):
        self.answers.append((name, request.id, answer))
        reply = self._replies.pop(0) if self._replies else None
        if reply:
            raise reply


def listening_of(client, local=None, at_once=1):
    return Listening("laptop", local, lambda: client, lambda _: None, lambda _: None, at_once)


@pytest.fixture
def moved(monkeypatch):
    """A clock that moves by what is slept. The pauses."""
    pauses = []
    steady = SimpleNamespace(monotonic=lambda: sum(pauses), sleep=pauses.append)
    monkeypatch.setattr(listening, "time", steady)
    return pauses


@pytest.mark.parametrize(
    ("replies", "fate", "pauses"),
    [
        ([], "", []),
        ([SECOND], "answered before", []),
        ([LOST, SECOND], "", [0.25]),
        ([BUSY, LOST, SECOND], "", [0.25, 0.5]),
        ([BUSY, LOST, BUSY, LOST, BUSY, LOST], "", [0.25, 0.5, 1, 2, 2, 2]),
        ([LATE], "too late", []),
        ([LOST, LATE], "too late", [0.25]),
        ([refused(UnauthenticatedError, 401, "unauthenticated")], "unauthenticated", []),
        ([LOST] * 50, "too late", [0.25, 0.5, 1, *[2] * 5]),
    ],
)
def test_an_answer_is_brought_until_it_counts_or_can_not_count(moved, replies, fate, pauses):
    client, answer = Fetching(replies=replies), LocalAnswer(status=200)

    assert listening_of(client)._bring_back(client, taken(), answer, ends=10.0) == fate
    assert moved == pauses
    assert {*client.answers} == {("laptop", "r-1", answer)}


def test_an_answer_whose_time_is_over_is_brought_once(moved):
    client = Fetching(replies=[LOST])

    assert listening_of(client)._bring_back(client, taken(), LocalAnswer(status=200), ends=-1.0) == "too late"
    assert len(client.answers) == 1


@pytest.mark.parametrize(
    ("answer", "replies", "fate", "brought"),
    [
        (LocalAnswer(status=200), [WRONG], "", [LocalAnswer(status=200), LocalAnswer(error="protocol")]),
        (LocalAnswer(status=200), [WRONG, LATE], "too late", [LocalAnswer(status=200), LocalAnswer(error="protocol")]),
        (LocalAnswer(error="timeout"), [WRONG], "refused", [LocalAnswer(error="timeout")]),
    ],
)
def test_what_no_answer_may_hold_becomes_an_error_of_the_protocol(moved, answer, replies, fate, brought):
    client = Fetching(replies=replies)

    assert listening_of(client)._bring_back(client, taken(), answer, ends=10.0) == fate
    assert [each for *_, each in client.answers] == brought


@pytest.fixture
def held():
    """A local server that answers once it may."""
    may = threading.Event()

    def send(_):
        may.wait(60)
        return LocalAnswer(status=200)

    yield SimpleNamespace(send=send, may=may)
    may.set()


@pytest.mark.parametrize(
    ("at_once", "looks", "limits"),
    [
        (3, [[taken(1), taken(2)], []], [3, 1, 1]),
        (3, [[taken(1)], [taken(2)]], [3, 2, 1]),
        (60, [], [listening.MOST_AT_ONCE]),
        (1, [], [1]),
    ],
)
def test_it_asks_for_no_more_than_it_has_free_threads(monkeypatch, held, at_once, looks, limits):
    monkeypatch.setattr(listening, "BUSY_PAUSE_S", 0)
    monkeypatch.setattr(listening, "GRACE_S", 0)
    client = Fetching([*looks, KeyboardInterrupt()])
    running = listening_of(client, held, at_once)

    with pytest.raises(KeyboardInterrupt):
        running.run()

    assert client.limits == limits
    assert running.end() == sum(map(len, looks))
    monkeypatch.setattr(listening, "GRACE_S", 60)
    held.may.set()
    assert running.end() == 0
