"""Each client by itself, against a script: which pages it asks for, when it asks again, what it makes of an error."""

import random
from dataclasses import dataclass
from itertools import pairwise

import pytest

from booper_client import ApiError, ConnectionFailedError, InvalidRequestError, Retries, errors
from booper_client.models.model import Model
from booper_client.requests_out import Answer, Request, post
from tests.support.scripted_transport import Script, problem, sender_of, success

FULL = 100
FILTERS = {"state": "scheduled", "order_by": "id,asc", "left_out": None}
LOST = ConnectionFailedError("no answer")


@dataclass(frozen=True, kw_only=True)
class Row(Model):
    n: int


def rows(first, count):
    return [{"n": n} for n in range(first, first + count)]


@pytest.fixture
def unspread(monkeypatch):
    """The longest wait each time."""
    monkeypatch.setattr(random, "random", lambda: 1.0)


@pytest.mark.parametrize("pages", [1, 2, 4])
def test_each_page_of_a_list_is_asked_for_with_the_same_filters_and_the_cursor_of_the_one_before(kind, pages):
    cursors = [f"c{n}" for n in range(1, pages)]
    answers = [success(rows(2 * n, 2), cursor) for n, cursor in enumerate([*cursors, None])]
    script = Script(*answers)

    listed = list(sender_of(kind, script).every(Row, "/jobs", FILTERS))

    assert [row.n for row in listed] == list(range(2 * pages))
    assert {request.path for request in script.requests} == {"/jobs"}
    same = {"limit": "100", "state": "scheduled", "order_by": "id,asc"}
    assert script.queries == [same, *({**same, "cursor": each} for each in cursors)]


def test_a_page_without_rows_in_the_middle_of_a_list_does_not_end_it(kind):
    script = Script(success(rows(0, 1), "c1"), success([], "c2"), success(rows(1, 1)))

    assert [row.n for row in sender_of(kind, script).every(Row, "/jobs", {})] == [0, 1]


@pytest.mark.parametrize(
    ("sizes", "offsets"),
    [([0], [0]), ([99], [0]), ([100, 0], [0, 100]), ([100, 100, 100, 1], [0, 100, 200, 300])],
)
def test_a_list_without_cursors_goes_on_after_each_full_page(kind, sizes, offsets):
    script = Script(*(success(rows(FULL * n, size)) for n, size in enumerate(sizes)))

    listed = list(sender_of(kind, script).every_by_offset(Row, "/schedules", FILTERS))

    assert [row.n for row in listed] == list(range(sum(sizes)))
    same = {"limit": "100", "state": "scheduled", "order_by": "id,asc"}
    assert script.queries == [{**same, "offset": str(each)} for each in offsets]


def test_a_list_asks_for_the_next_page_once_its_first_row_is_wanted():
    script = Script(success(rows(0, 2), "c1"), success(rows(2, 1)))
    listed = sender_of("sync", script).every(Row, "/jobs", {})

    requested = [len(script.requests) for _ in listed]

    assert requested == [1, 1, 2]


def test_the_same_order_is_repeated_after_waits_that_double(kind, unspread):
    script = Script(LOST, problem(503), LOST, success([]))
    retries = Retries(attempts=4, first_seconds=0.5, max_seconds=30)

    sender_of(kind, script, retries).send(post("/jobs", {"url": "x"}))

    assert script.waits == [0.5, 1, 2]
    assert all(first is second for first, second in pairwise(script.requests))


def test_each_answer_says_itself_how_long_to_wait(kind, unspread):
    script = Script(problem(429, 7), problem(503), problem(503, 9), success([]))

    sender_of(kind, script).send(Request("GET", "/stats"))

    assert script.waits == [7, 1, 9]


def test_waits_are_spread_over_the_second_half_of_what_they_may_be(monkeypatch):
    for random_part, waits in ((0.0, [1, 2, 4, 5, 5]), (1.0, [2, 4, 8, 10, 10])):
        monkeypatch.setattr(random, "random", lambda value=random_part: value)
        retries = Retries(attempts=6, first_seconds=2, max_seconds=10)

        assert [retries.seconds_before(attempt, None) for attempt in range(2, 7)] == waits


@pytest.mark.parametrize(
    ("last", "kind_of_error"),
    [(LOST, ConnectionFailedError), (problem(503, 4), errors.UnavailableError), (problem(429, 4), ApiError)],
)
def test_after_the_last_attempt_the_last_failure_is_the_error(kind, last, kind_of_error):
    script = Script(problem(502), LOST, last)

    with pytest.raises(kind_of_error) as failed:
        sender_of(kind, script, Retries(attempts=3)).send(Request("GET", "/stats"))

    assert len(script.requests) == 3
    assert type(failed.value) is kind_of_error
    assert getattr(failed.value, "retry_after", None) == (None if last is LOST else 4)


@pytest.mark.parametrize("attempts", [2, 3])
def test_a_404_after_a_lost_answer_means_success_for_a_deletion_alone(kind, attempts):
    lost = [LOST] * (attempts - 1)

    assert sender_of(kind, Script(*lost, problem(404))).send(Request("DELETE", "/schedules/k")).status == 204
    for request in (
        Request("GET", "/schedules/k"),
        post("/schedules/k/run"),
        Request("PATCH", "/schedules/k", body={}),
    ):
        with pytest.raises(errors.NotFoundError):
            sender_of(kind, Script(*lost, problem(404))).send(request)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, InvalidRequestError) for status in (400, 413, 415, 422)),
        *((status, ApiError) for status in (403, 405, 410)),
        *((status, errors.ServerError) for status in (500, 501)),
        (401, errors.UnauthenticatedError),
        (404, errors.NotFoundError),
        (409, errors.ConflictError),
        (503, errors.UnavailableError),
    ],
)
def test_an_error_has_the_class_that_its_documentation_names(status, expected):
    assert type(errors.error_of(status, problem(status).json(), None)) is expected
    assert type(errors.refusal(problem(status).json())) is expected


@pytest.mark.parametrize("text", ["", "-1", "1.5", "soon", "²", "Sun, 29 Nov 2026 21:42:01 GMT"])
def test_a_retry_after_that_is_no_number_of_seconds_counts_as_none(text):
    assert Answer(503, {"retry-after": text}, b"").retry_after() is None
