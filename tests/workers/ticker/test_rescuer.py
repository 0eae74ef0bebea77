"""Jobs whose holder fell silent."""

from models.jobs import lifecycle
from models.jobs.job_tables import Attempt, LogEntry
from models.rules import clock
from tests.support.rows import make_job, reread
from workers.ticker.rescuer import rescue_lost


def test_a_lost_job_comes_back_with_its_lost_attempt_on_record(account, moved_clock):
    job = make_job(account, timeout_ms=1000)
    lifecycle.claim([job.id], clock.now(), clock.SECOND)
    moved_clock.advance(seconds=3)
    assert rescue_lost(clock.now()) == 1
    assert reread(job).state == "available"
    assert (Attempt.get().outcome, Attempt.get().next_at) == ("lost", clock.now())
    assert [row.event for row in LogEntry.select()] == ["worker.http.error"]


def test_a_job_lost_in_its_last_attempt_is_discarded_and_says_so(account, moved_clock):
    job = make_job(account, timeout_ms=1000, max_attempts=1)
    lifecycle.claim([job.id], clock.now(), clock.SECOND)
    moved_clock.advance(seconds=3)
    rescue_lost(clock.now())
    assert reread(job).state == "discarded"
    assert Attempt.get().next_at is None
    assert {row.event for row in LogEntry.select()} == {"worker.http.error", "worker.job.discarded"}


def test_nothing_is_rescued_while_leases_run(account, moved_clock):
    lifecycle.claim([make_job(account).id], clock.now(), clock.SECOND)
    assert rescue_lost(clock.now()) == 0
    assert Attempt.select().count() == 0


def test_a_job_that_ended_its_worker_three_times_is_discarded_as_crashed(account, moved_clock):
    job = make_job(account, timeout_ms=1000)
    for _ in range(3):
        lifecycle.claim([job.id], clock.now(), clock.SECOND)
        moved_clock.advance(seconds=3)
        rescue_lost(clock.now())
    assert reread(job).state == "discarded"
    [given_up] = LogEntry.select().where(LogEntry.event == "worker.job.discarded")
    assert '"reason":"crashed"' in given_up.payload
    assert Attempt.select().count() == 3
