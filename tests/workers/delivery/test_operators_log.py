"""What an operator reads in the log of a sending process: for each line its level and each value in it."""

import contextlib
from types import SimpleNamespace

import pytest
from peewee import OperationalError

from models.flows import breakers, late_starts
from models.jobs import lifecycle
from models.jobs.job_kinds import ALERT, REQUEST
from models.jobs.job_ref import JobRef
from models.rules import clock
from runtime.settings import load
from tests.support.operators_log import raising, unseen, written
from tests.support.results import answered, result_of
from tests.support.rows import claim_job, make_job
from workers.delivery import delivery as delivering
from workers.delivery import recorder as recording
from workers.delivery import senders as sending
from workers.delivery.delivery import Delivery
from workers.delivery.ended_claims import Judged
from workers.delivery.heartbeat import Heartbeat
from workers.delivery.host_health import HostHealth
from workers.delivery.judge import Complete, Discard
from workers.delivery.last_look import LastLook, Question
from workers.delivery.recorder import Recorder, count_alert_messages, record
from workers.delivery.senders import Senders
from workers.delivery.slots import open_files
from workers.delivery.slots.put_off import PutOff, SnoozedJob
from workers.delivery.slots.slots import Slots
from workers.delivery.unknown_claims import UnknownClaims
from workers.transport.outcome import Refused

GONE = OperationalError("gone")


@contextlib.contextmanager
def delivery():
    """The parts of a sending process whose threads run."""
    made = Delivery(load({}))
    made.start()
    try:
        yield made
    finally:
        made.close()
        made.drain()


class PassingTime:
    """In the place of the module `time`: who sleeps finds it later."""

    def __init__(self):
        self.now_s = 100.0

    def monotonic(self):
        return self.now_s

    def sleep(self, pause_s):
        self.now_s += 10 * pause_s


def due_jobs_find_no_database(account, moved_clock, monkeypatch):
    monkeypatch.setattr(delivering, "time", PassingTime())
    with delivery() as made:
        made._deliver = raising(GONE)
        made.deliver([(each, 1, "a.example") for each in (7, 8)], clock.now())


def jobs_with_limits_can_not_be_claimed(account, moved_clock, monkeypatch):
    """The database is gone, then another session holds a gate, then there is a mistake."""
    monkeypatch.setattr(delivering, "waited_for_a_lock", lambda error: error is not GONE)
    refs = [JobRef(each, 1, "a.example") for each in (7, 8)]
    with delivery() as made:
        for error in (GONE, OperationalError("locked"), ValueError("a bug")):
            made._claim_and_notify = raising(error)
            assert made._claim_limited(refs) == []


def results_can_not_be_recorded(account, moved_clock, monkeypatch):
    """The database is gone; then one result of two is poisoned; then all of many."""
    results = [SimpleNamespace(job=SimpleNamespace(id=each)) for each in range(7, 29)]

    def fail_for_the_eighth(group, *_):
        if any(result.job.id == 8 for result in group):
            raise ValueError("a bug")
        return []

    recorder = Recorder()
    with monkeypatch.context() as away:
        away.setattr(recording, "connect_and_keep", raising(GONE))
        recorder._try(results[:2])
    monkeypatch.setattr(recording, "connect_and_keep", lambda: None)
    monkeypatch.setattr(recording, "record", fail_for_the_eighth)
    recorder._try(results[:2])
    recorder._try(results)


def messages_about_incidents_are_given_up(account, moved_clock, monkeypatch):
    """A message that was delivered, and a discarded job of another kind, are not among them."""
    judged = [(5, ALERT, Discard("max_age")), (6, ALERT, Complete()), (7, REQUEST, Discard("status_404"))]
    judged += [(number, ALERT, Discard("status_404")) for number in range(8, 30)]
    jobs = [(SimpleNamespace(job=SimpleNamespace(id=number, kind=kind)), verdict) for number, kind, verdict in judged]
    count_alert_messages([Judged(result, verdict) for result, verdict in jobs])


def an_attempt_is_recorded(account, moved_clock, monkeypatch):
    record([result_of(claim_job(account), answered())])


class HangingTransport:
    """Ends no request."""

    def submit(self, requests):
        list(requests)

    def close(self):
        pass


def senders():
    return Senders(Slots(9, share=1), HangingTransport(), recorder=None, fresh_us=clock.SECOND)


def submit_two(account, made):
    jobs = sorted(lifecycle.claim([make_job(account).id for _ in range(2)], clock.now(), clock.MINUTE))
    made._slots.take([job.ref for job in jobs])
    made.submit(jobs)


def a_process_stood_still_after_a_claim(account, moved_clock, monkeypatch):
    monkeypatch.setattr(sending.clock, "now", lambda: moved_clock.now + 2 * clock.SECOND)
    made = senders()
    monkeypatch.setattr(made, "_fresh_us", -1)
    submit_two(account, made)


def requests_outlast_the_grace(account, moved_clock, monkeypatch):
    made = senders()
    submit_two(account, made)
    made.drain(0)


def requests_outlast_the_grace_without_a_database(account, moved_clock, monkeypatch):
    made = senders()
    submit_two(account, made)
    monkeypatch.setattr(lifecycle, "release", raising(GONE))
    made.drain(0)


def a_database_goes_before_a_request_is_made(account, moved_clock, monkeypatch):
    monkeypatch.setattr(sending, "render_request", raising(GONE))
    submit_two(account, senders())


def a_job_can_not_be_made_into_a_request(account, moved_clock, monkeypatch):
    made = senders()
    monkeypatch.setattr(made, "_end", lambda _: None)
    monkeypatch.setattr(sending, "render_request", raising(ValueError("a bug")))
    submit_two(account, made)


def a_host_fails_and_works_again(account, moved_clock, monkeypatch):
    health = HostHealth(most=3)
    first, *others = [claim_job(account, host="shop.example") for _ in range(3)]
    health.note([result_of(first, answered(500))])
    health.note([result_of(job, answered(500)) for job in others])
    health.note([result_of(first, answered(200))])


def a_database_goes_before_failures_are_counted(account, moved_clock, monkeypatch):
    """A refused request says nothing about its host."""
    monkeypatch.setattr(breakers, "failing", raising(GONE))
    outcomes = answered(500), answered(200), Refused("blocked_address", "")
    HostHealth(most=3).note([result_of(claim_job(account), outcome) for outcome in outcomes])


def nobody_can_say_whether_requests_may_go(account, moved_clock, monkeypatch):
    monkeypatch.setattr(lifecycle, "cancelled_of", raising(GONE))
    monkeypatch.setattr(late_starts, "count_anew", raising(ValueError("a bug")))
    monkeypatch.setattr(late_starts, "correct", raising(GONE))
    look, job = LastLook(), claim_job(account)
    monkeypatch.setattr(look, "_answer", lambda *_: None)
    monkeypatch.setattr("workers.delivery.last_look.SentJob", SimpleNamespace)
    questions = [Question(job, count_anew, None) for count_anew in (True, True, False)]
    look._look([*questions, SimpleNamespace(job=job)])


def a_commit_is_not_answered(account, moved_clock, monkeypatch):
    unknown = UnknownClaims()
    with contextlib.suppress(OperationalError), unknown.claiming(range(100, 130)):
        raise GONE
    monkeypatch.setattr(lifecycle, "give_back_unknown", lambda *_: [])
    for _ in range(2):
        unknown.settle()


def too_few_files_may_be_open(account, moved_clock, monkeypatch):
    monkeypatch.setattr(open_files.resource, "getrlimit", lambda _: (2000, 2000))
    open_files.slots_allowed(20_000)


def snoozed_jobs_can_not_be_claimed(account, moved_clock, monkeypatch):
    """The database is gone; then there is a mistake."""
    for error in (GONE, ValueError("a bug")):
        waiting = PutOff(raising(error))
        waiting.remember([SnoozedJob(JobRef(each, 1, "a.example"), 1) for each in (7, 8, 9)])
        waiting.look()


def a_beat_fails(account, moved_clock, monkeypatch):
    errors = iter([ValueError("a bug")])

    def fail_once():
        for error in errors:
            raise error

    heartbeat = Heartbeat(Slots(1, share=1), fail_once)
    heartbeat._stop.set()
    heartbeat._work()


SITUATIONS = {
    due_jobs_find_no_database: [
        "WARNING database gone (gone): 2 due jobs wait",
        "ERROR database gone for 5.0 s: message of 2 jobs dropped, to be staged again",
    ],
    jobs_with_limits_can_not_be_claimed: [
        "WARNING database gone (gone): 2 jobs with limits wait",
        "WARNING another session holds what limits some of 2 jobs: those wait",
        "EXCEPTION jobs with limits, or of schedules, could not be claimed: they are put off",
    ],
    results_can_not_be_recorded: [
        "WARNING database not usable (gone): 2 results kept, next try soon",
        "EXCEPTION recording failed for jobs [7, 8]",
        "EXCEPTION recording failed for jobs [8]",
        f"EXCEPTION recording failed for jobs {list(range(7, 27))}",
        "EXCEPTION recording failed for jobs [8]",
    ],
    messages_about_incidents_are_given_up: [
        f"WARNING messages about incidents could not be delivered and are given up: jobs {[5, *range(8, 27)]}"
    ],
    an_attempt_is_recorded: ["INFO job.attempted"],
    a_process_stood_still_after_a_claim: ["WARNING 2 jobs waited too long since their claim: given back unsent"],
    requests_outlast_the_grace: ["WARNING 2 requests outlasted the grace of 0 s: given back"],
    requests_outlast_the_grace_without_a_database: [
        "WARNING 2 requests outlasted the grace of 0 s: given back",
        "WARNING database gone (gone): the leases of 2 jobs bring them back",
    ],
    a_database_goes_before_a_request_is_made: [
        "WARNING database gone (gone): job 1 is given back and begins later",
        "WARNING database gone (gone): job 2 is given back and begins later",
    ],
    a_job_can_not_be_made_into_a_request: [
        "EXCEPTION job 1 could not be made into a request",
        "EXCEPTION job 2 could not be made into a request",
    ],
    a_host_fails_and_works_again: [
        "WARNING host shop.example failed 3 times in a row: only probes go out",
        "INFO host shop.example works again: its jobs go out",
    ],
    a_database_goes_before_failures_are_counted: [
        "WARNING database gone (gone): the outcomes of 2 requests are not counted"
    ],
    nobody_can_say_whether_requests_may_go: [
        "WARNING 1 starts are corrected later: gone",
        "WARNING 3 requests go out although they may be cancelled: gone",
        "WARNING 2 requests wait until their starts are counted: a bug",
    ],
    a_commit_is_not_answered: [
        f"INFO a claim whose commit was not answered is given back, if it was granted: {list(range(100, 120))}"
    ],
    too_few_files_may_be_open: [
        "WARNING only 2000 files may be open: 872 slots instead of 20000 of BOOPER_SENDER_SLOTS"
    ],
    snoozed_jobs_can_not_be_claimed: [
        "WARNING database gone (gone): 3 jobs that were put off wait on",
        "EXCEPTION 3 jobs that were put off could not be claimed: they return by themselves",
    ],
    a_beat_fails: ["EXCEPTION no heartbeat written; next try in 5.0 s"],
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_operator_reads_once_what_happened_with_its_numbers(situation, account, moved_clock, monkeypatch):
    with written() as lines:
        situation(account, moved_clock, monkeypatch)

    assert lines == SITUATIONS[situation]


def test_each_line_of_a_sending_process_is_read_in_some_situation():
    assert unseen("workers/delivery/**/*.py", sum(SITUATIONS.values(), [])) == []
