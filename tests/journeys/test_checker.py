"""The checker against made-up histories: it must pass the good one and name what is wrong in each bad one.

A checker that can't fail would let every journey pass, so each invariant is broken here on purpose.
"""

from dataclasses import replace

import pytest

from tests.support.journeys import checker
from tests.support.journeys.ledger import Arrival, Cancelled, Created, Ended, History, Recorded

DUE = 1_700_000_000_000_000
SECOND = 1_000_000


def created(nonce, **other):
    return Created(
        nonce,
        **{"due_at": DUE, "invoked_at": DUE - 2 * SECOND, "returned_at": DUE - SECOND, "job_id": 1} | other,
    )


def arrival(nonce, attempt=1, at=DUE + 10_000):
    return Arrival(nonce, attempt, at)


def ended(nonce, attempt=1, at=DUE + 11_000, **other):
    return Ended(nonce, attempt, at, **other)


def made_up_job(nonce, state="completed", **other):
    stamps = {"scheduled_at": DUE, "attempted_at": DUE + 5_000}
    if state in checker.FINAL:
        stamps[f"{state}_at"] = DUE + 12_000
    return Recorded(1, nonce, state, **stamps | other)


def good():
    """Three jobs that went well: at once, after one failure, cancelled in time."""
    retry_at = DUE + 11_000 + 17_500_000
    return History(
        created=[created("a"), created("b"), created("c")],
        cancelled=[Cancelled("c", DUE - 500_000, DUE - 400_000, "cancelled")],
        arrivals=[arrival("a"), arrival("b"), arrival("b", 2, retry_at)],
        ends=[ended("a"), ended("b", status_code=503), ended("b", 2, retry_at + 1_000)],
        recorded=[
            made_up_job("a"),
            made_up_job("b", attempted_at=retry_at - 1_000, completed_at=retry_at + 2_000),
            made_up_job("c", "cancelled", attempted_at=None),
        ],
    )


def with_(history, **lists):
    """The history with more lines in some of its ledgers."""
    return replace(history, **{name: getattr(history, name) + more for name, more in lists.items()})


def without(history, name, nonce):
    return replace(history, **{name: [line for line in getattr(history, name) if line.nonce != nonce]})


def test_a_good_history_breaks_nothing():
    assert checker.check(good()) == []
    assert checker.retry_law(good(), slack_us=0) == []
    assert checker.too_late(good(), p99_us=10_000, max_us=10_000) == []


def history_of_one(create, arrivals=(), ends=(), jobs=()):
    return with_(good(), created=[create], arrivals=list(arrivals), ends=list(ends), recorded=list(jobs))


BAD = {
    "a job answered 201 is missing at the end": (checker.no_loss, without(good(), "recorded", "a")),
    "a job shows twice": (checker.no_loss, with_(good(), recorded=[made_up_job("a")])),
    "a job never becomes final": (checker.no_loss, history_of_one(created("d"), jobs=[made_up_job("d", "executing")])),
    "a completed job never arrived": (checker.performed, without(good(), "arrivals", "a")),
    "a discarded job never arrived": (
        checker.performed,
        history_of_one(created("d"), jobs=[made_up_job("d", "discarded")]),
    ),
    "something arrived that nobody created": (checker.performed, with_(good(), arrivals=[arrival("ghost")])),
    "a refused create was performed": (
        checker.performed,
        history_of_one(created("d", outcome="fail", job_id=None), [arrival("d")]),
    ),
    "a request without a nonce arrived": (checker.performed, with_(good(), arrivals=[arrival(None)])),
    "an arrival one microsecond early": (checker.never_early, history_of_one(created("d"), [arrival("d", at=DUE - 1)])),
    "an attempt recorded one microsecond early": (
        checker.never_early,
        history_of_one(created("d"), jobs=[made_up_job("d", attempted_at=DUE - 1)]),
    ),
    "the same attempt twice": (checker.duplicates, with_(good(), arrivals=[arrival("a", at=DUE + 10_500)])),
    "another attempt after success": (
        checker.duplicates,
        with_(good(), arrivals=[arrival("a", 2, DUE + SECOND)], ends=[ended("a", 2, DUE + 2 * SECOND)]),
    ),
    "an attempt without a number after success": (
        checker.duplicates,
        with_(good(), arrivals=[arrival("a", None, DUE + SECOND)]),
    ),
    "attempt numbers fall": (
        checker.attempts_rise,
        with_(good(), arrivals=[arrival("b", 1, DUE + 60 * SECOND)]),
    ),
    "attempts counted from 0": (checker.attempts_rise, with_(good(), arrivals=[arrival("d", 0)])),
    "a cancelled job arrives": (checker.cancels_hold, with_(good(), arrivals=[arrival("c")])),
    "a cancelled job completes": (
        checker.cancels_hold,
        with_(without(good(), "recorded", "c"), recorded=[made_up_job("c")]),
    ),
    "a cancel answered completed, and the job cancelled after all": (
        checker.cancels_hold,
        with_(good(), cancelled=[Cancelled("c", DUE, DUE, "completed")]),
    ),
    "two jobs of one key arrive": (
        checker.idempotent,
        with_(
            good(),
            created=[created("k1", key="k"), created("k2", key="k")],
            arrivals=[arrival("k1"), arrival("k2")],
        ),
    ),
    "one key answered with two jobs": (
        checker.idempotent,
        with_(good(), created=[created("k1", key="k"), created("k2", key="k", job_id=2)]),
    ),
    "completed, and the receiver answered 503": (
        checker.truthful,
        history_of_one(created("d"), [arrival("d")], [ended("d", status_code=503)], [made_up_job("d")]),
    ),
    "completed, and the answer was cut": (
        checker.truthful,
        history_of_one(created("d"), [arrival("d")], [ended("d", whole=False)], [made_up_job("d")]),
    ),
    "completed, and it never arrived": (checker.truthful, history_of_one(created("d"), jobs=[made_up_job("d")])),
    "discarded, and the receiver answered 200": (
        checker.truthful,
        history_of_one(created("d"), [arrival("d")], [ended("d")], [made_up_job("d", "discarded")]),
    ),
    "attempted after it arrived": (
        checker.truthful,
        history_of_one(created("d"), [arrival("d")], [ended("d")], [made_up_job("d", attempted_at=DUE + 20_000)]),
    ),
    "completed without completed_at": (
        checker.truthful,
        history_of_one(created("d"), [arrival("d")], [ended("d")], [made_up_job("d", completed_at=None)]),
    ),
}


@pytest.mark.parametrize(("judge", "history"), BAD.values(), ids=BAD)
def test_the_checker_names_what_was_broken(judge, history):
    assert judge(history) != []


@pytest.mark.parametrize(("judge", "history"), BAD.values(), ids=BAD)
def test_the_whole_check_fails_whenever_one_invariant_does(judge, history):
    assert set(judge(history)) <= set(checker.check(history))


def test_every_invariant_of_the_whole_check_was_broken_once():
    broken = {judge for judge, _ in BAD.values()}

    assert broken == {
        checker.no_loss,
        checker.performed,
        checker.never_early,
        checker.duplicates,
        checker.attempts_rise,
        checker.cancels_hold,
        checker.idempotent,
        checker.truthful,
    }


@pytest.mark.parametrize("gap_us", [16_999_999, 18_800_001], ids=["too soon", "too late"])
def test_a_retry_outside_its_window_breaks_the_retry_law(gap_us):
    history = History(
        arrivals=[arrival("a"), arrival("a", 2, DUE + 11_000 + gap_us)], ends=[ended("a", status_code=503)]
    )
    assert len(checker.retry_law(history, slack_us=100_000)) == 1


@pytest.mark.parametrize("gap_us", [17_000_000, 18_800_000], ids=["at the least", "at the most"])
def test_a_retry_at_the_edge_of_its_window_keeps_the_retry_law(gap_us):
    history = History(
        arrivals=[arrival("a"), arrival("a", 2, DUE + 11_000 + gap_us)], ends=[ended("a", status_code=503)]
    )
    assert checker.retry_law(history, slack_us=100_000) == []


def test_the_retry_law_goes_by_the_attempt_that_failed():
    history = History(
        arrivals=[arrival("a", 3), arrival("a", 4, DUE + 11_000 + 23 * SECOND)], ends=[ended("a", 3, status_code=503)]
    )
    assert checker.retry_law(history, slack_us=0) == []


def test_more_attempts_than_allowed_break_the_retry_law():
    history = History(arrivals=[arrival("a"), arrival("a", 2, DUE + 18 * SECOND)])
    assert checker.retry_law(history, slack_us=0, max_attempts=1) == [
        "a: arrived 2 times, at most 1 attempts are allowed"
    ]


def test_duplicates_within_the_requests_in_flight_at_a_kill_are_allowed():
    history = with_(good(), arrivals=[arrival("a", 1, DUE + 10_500), arrival("a", 2, DUE + SECOND)])
    assert len(checker.duplicates(history, allowed=1)) == 2
    assert checker.duplicates(history, allowed=2) == []


def test_an_unknown_create_may_arrive_or_not():
    unknown = created("u", outcome="unknown", job_id=None)
    assert checker.performed(with_(good(), created=[unknown])) == []
    assert checker.performed(with_(good(), created=[unknown], arrivals=[arrival("u")])) == []


@pytest.mark.parametrize("winner", ["k1", "k2"])
def test_creates_of_one_key_owe_one_job_whichever_made_it(winner):
    history = with_(
        good(),
        created=[created("k1", key="k"), created("k2", key="k")],
        arrivals=[arrival(winner)],
        ends=[ended(winner)],
        recorded=[made_up_job(winner)],
    )
    assert checker.check(history) == []


def test_creates_of_one_key_that_made_no_job_are_a_loss():
    history = with_(good(), created=[created("k1", key="k"), created("k2", key="k")])
    assert len(checker.no_loss(history)) == len(checker.performed(history)) == 1


def test_lateness_is_taken_by_the_nearest_rank():
    assert checker.percentiles(range(1, 1001)) == {"p50": 500, "p99": 990, "p99.9": 999, "max": 1000}
    assert checker.percentiles([7]) == {"p50": 7, "p99": 7, "p99.9": 7, "max": 7}
    assert checker.percentiles([]) == {}


def test_an_arrival_at_its_very_instant_is_not_early():
    history = History([created("a")], arrivals=[arrival("a", at=DUE)], recorded=[made_up_job("a", attempted_at=DUE)])
    assert checker.never_early(history) == []


def test_a_refused_create_of_a_key_is_no_second_job():
    refused = created("k2", key="k", outcome="fail", job_id=None)
    assert checker.idempotent(History([created("k1", key="k"), refused], arrivals=[arrival("k1")])) == []


def test_a_late_arrival_breaks_its_bound():
    history = History(created=[created("a")], arrivals=[arrival("a", at=DUE + 200_001)])
    assert len(checker.too_late(history, p99_us=200_000, max_us=200_000)) == 2


def test_no_arrival_at_all_is_no_lateness():
    assert checker.lateness_us(History(created=[created("a")])) == {}


def test_a_job_created_after_it_was_due_does_not_count_as_late():
    history = History(created=[created("a", returned_at=DUE + 1)], arrivals=[arrival("a", at=DUE + SECOND)])
    assert checker.lateness_us(history) == {}
