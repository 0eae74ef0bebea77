"""A rule that counts a share of a window: it opens when so many of enough jobs fail in it, and closes below that."""

import pytest

from models.alerts import evaluation, shares
from models.alerts.alert_tables import Incident
from models.database.connection import database
from models.rules import clock
from models.schedules import schedule_changes
from tests.support.alerts import REFUSED, end_due, fail_due, incidents, look, make_alert, succeed_due
from tests.support.schedule_rows import create_schedule


@pytest.fixture
def schedule(account, moved_clock):
    return create_schedule(account, {"name": "backup", "host": "db.example"})


@pytest.fixture
def run(account, schedule, moved_clock):
    """A function that runs the schedule once for each letter, a minute apart: `f` fails."""

    def run(letters):
        for letter in letters:
            schedule_changes.fire_now(account.id, schedule.id, clock.now())
            (fail_due if letter == "f" else succeed_due)()
            look()
            moved_clock.advance(minutes=1)

    succeed_due()  # the first, which is due at once
    moved_clock.advance(minutes=61)
    succeed_due()
    return run


def a_fifth(account, **options):
    return make_alert(account, **{"share": 0.2, "within_us": clock.HOUR, "at_least": 5, **options})


@pytest.mark.parametrize(
    ("letters", "opens"), [("sssfs", False), ("ssssf", True), ("sssssf", False), ("sssssff", True)]
)
def test_it_opens_when_the_share_of_enough_jobs_is_reached(account, run, letters, opens):
    a_fifth(account, at_least=5)
    run(letters[1:])  # one has ended before
    assert incidents() == ([("failed", "backup", True)] if opens else [])


def test_fewer_jobs_than_it_wants_open_nothing(account, run):
    a_fifth(account, at_least=8)
    run("ffffff")
    assert incidents() == []
    run("f")
    assert incidents() == [("failed", "backup", True)]


def test_what_ended_before_the_window_does_not_count(account, run, moved_clock):
    a_fifth(account, within_us=10 * clock.MINUTE, at_least=2)
    run("sssssss")
    moved_clock.advance(minutes=9)
    run("f")
    assert incidents() == []
    run("f")
    assert incidents() == [("failed", "backup", True)]


def test_it_closes_with_a_success_after_which_the_share_is_smaller(account, run):
    a_fifth(account)
    run("sssf")
    assert incidents() == [("failed", "backup", True)]
    assert Incident.get().detail.startswith("1 of 5 jobs failed within 1 h 0 min; the last: answered 500")
    run("f")
    run("ssss")
    assert incidents() == [("failed", "backup", True)]  # 2 of 10
    run("s")
    assert incidents() == [("failed", "backup", False)]


def test_a_failure_alone_closes_nothing(account, run):
    a_fifth(account)
    run("fffff")
    run("ffff")
    assert incidents() == [("failed", "backup", True)]


def test_a_rule_without_a_share_counts_in_a_row(account, run, monkeypatch):
    make_alert(account, after=2)
    windows = []
    monkeypatch.setattr(shares, "ends_within", lambda them: windows.extend(them) or {})
    run("fsfsf")
    assert incidents() == []
    assert windows == []
    run("f")
    assert incidents() == [("failed", "backup", True)]


def test_jobs_of_other_schedules_do_not_count(account, run, moved_clock):
    a_fifth(account, at_least=6)
    create_schedule(account, {"name": "other"})
    run("ffff")
    assert incidents() == []


def test_what_fails_with_its_host_belongs_to_the_host(account, run, moved_clock):
    a_fifth(account, at_least=1, on=("failed",))
    moved_clock.advance(hours=2)
    end_due(lambda _: REFUSED)
    look()
    assert incidents() == [("failed", "db.example", True)]


def test_jobs_from_before_it_was_enabled_do_not_count(account, schedule, run, moved_clock):
    a_fifth(account, at_least=3)
    run("s")
    schedule_changes.disable(account.id, schedule.id, clock.now())
    schedule_changes.enable(account.id, schedule.id, clock.now(), 100)
    run("ff")
    assert incidents() == []
    run("f")
    assert incidents() == [("failed", "backup", True)]


def test_of_a_schedule_with_very_many_jobs_the_latest_count(account, run, monkeypatch):
    monkeypatch.setattr(shares, "ENDS", shares.ENDS.replace(f"LIMIT {shares.LATEST}", "LIMIT 3"))
    a_fifth(account, at_least=3)
    run("sss")
    assert incidents() == []
    run("f")
    assert incidents() == [("failed", "backup", True)]


def test_many_schedules_are_counted_by_one_statement(account, moved_clock, monkeypatch):
    a_fifth(account, at_least=1)
    for number in range(20):
        create_schedule(account, {"name": f"job {number}"})
    fail_due()
    statements, execute = [], database.obj.execute_sql
    monkeypatch.setattr(database.obj, "execute_sql", lambda sql, *rest: statements.append(sql) or execute(sql, *rest))
    assert evaluation.evaluate(clock.now()) == 20
    assert len([sql for sql in statements if "FROM job" in sql]) == 1
    assert len(incidents()) == 20
