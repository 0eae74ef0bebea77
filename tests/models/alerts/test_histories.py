"""Random histories of outages, failures and flapping targets: incidents and messages are those that an independent
judge computes, although the evaluation crashes in the middle again and again."""

import json
import random

import pytest

from models.alerts import announcing, evaluation, incident_rows
from models.alerts.alert_tables import Incident, Notification
from models.database.connection import database
from models.jobs.job_store import NewJob
from models.rules import clock
from models.schedules import schedule_changes
from models.schedules.schedule_store import NewSchedule
from tests.support.alert_judge import AlertJudge
from tests.support.alerts import REFUSED, end_due, look, make_alert, send
from tests.support.results import answered

STEPS, STEP_S = 150, 300
EVERY_STEP = json.dumps({"repeat_every": STEP_S})


class Crash(Exception):
    """The process is killed."""


@pytest.fixture
def crashing(monkeypatch):
    """Functions of the evaluation and the sending that crash at times, before what they do or after it."""
    dice = random.Random(7)  # noqa: S311 - a history, no secret

    def often_crashing(function):
        def call(*arguments):
            if dice.random() < 0.2:
                raise Crash
            result = function(*arguments)
            if dice.random() < 0.2:
                raise Crash
            return result

        return call

    for module, name in (
        (incident_rows, "begin"),
        (incident_rows, "end"),
        (announcing, "_send"),
        (announcing, "_note"),
    ):
        monkeypatch.setattr(module, name, often_crashing(getattr(module, name)))


def survive(do):
    """Until it does not crash."""
    while True:
        try:
            return do()
        except Crash:
            assert not database.in_transaction()


def schedules_of(account):
    """Six schedules on two hosts, by id: the host of each."""
    now, hosts = clock.now(), {}
    for number in range(6):
        host = f"host{number % 2}.example"
        job = NewJob(account.id, json.dumps({"url": f"https://{host}/"}), None, None, now, name=f"s{number}", host=host)
        hosts[schedule_changes.create(NewSchedule(job, EVERY_STEP, now), now, 100)[0].id] = host
    return hosts


class Weather:
    """Which hosts are down, and which schedules fail by themselves; it changes slowly, and at times fast."""

    def __init__(self, hosts, seed):
        self.dice = random.Random(seed)  # noqa: S311
        self.hosts, self.bad = hosts, dict.fromkeys([*hosts, *hosts.values()], False)

    def next(self):
        for key, is_bad in self.bad.items():
            flaps = key == next(iter(self.hosts))
            if self.dice.random() < (0.6 if flaps else 0.3 if is_bad else 0.05):
                self.bad[key] = not is_bad

    def cause_of(self, schedule_id, host):
        if self.bad[host]:
            return f"host:{host}"
        return f"schedule:{schedule_id}" if self.bad[schedule_id] else None


def outcome(cause):
    return answered() if cause is None else REFUSED if cause.startswith("host:") else answered(500)


@pytest.mark.parametrize(("seed", "after"), [(1, 1), (2, 2)])
def test_incidents_are_those_that_the_judge_computes(account, moved_clock, crashing, seed, after):
    make_alert(account, on=("failed", "recovered"), after=after)
    hosts = schedules_of(account)
    weather, judge = Weather(hosts, seed), AlertJudge(after)

    for _ in range(STEPS):
        weather.next()
        seen = {}

        def end(job, seen=seen):
            seen[job.schedule_id] = weather.cause_of(job.schedule_id, job.host)
            return outcome(seen[job.schedule_id])

        end_due(end)
        judge.saw(clock.now(), seen)
        survive(look)
        moved_clock.advance(seconds=2)
        survive(send)
        moved_clock.advance(seconds=STEP_S - 2)

    rows = [(row.subject, row.opened_at, row.closed_at) for row in Incident.select()]
    assert len(rows) > 20
    assert sorted(rows, key=str) == judge.incidents()
    opened = [row.id for row in Incident.select()]
    closed = [row.id for row in Incident.select() if row.closed_at]
    for kind, ids in (("opened", opened), ("closed", closed)):
        notified = Notification.select().where(Notification.type == kind).order_by(Notification.incident_id)
        assert [row.incident_id for row in notified] == sorted(ids)
    assert evaluation.evaluate(clock.now()) == 0
