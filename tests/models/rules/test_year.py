"""A year of schedules on a moved clock, with outages, disabled spells, clock jumps and two tickers, judged by an
independent reading of each schedule: every instant has exactly one row, and none was attempted twice."""

import json
import random
from collections import Counter
from datetime import UTC, datetime

import pytest

from models.database.sql import fetch
from models.jobs import lifecycle, states
from models.jobs.job_store import NewJob
from models.jobs.job_tables import Job
from models.operations import claims
from models.rules import clock
from models.rules.clock import DAY, HOUR, MINUTE, SECOND
from models.schedules import firing_rows, planning, schedule_changes
from models.schedules.schedule_store import NewSchedule
from models.schedules.schedule_tables import Firing
from tests.support.clocks import START
from tests.support.cron_oracle import Stretch
from tests.support.schedule_scale import cases
from workers.ticker import planner

ZONES = ("America/New_York", "Australia/Lord_Howe", "Africa/Casablanca")
TIMES = ("30 2", "0,30 1", "15 2")  # some inside the gaps and the repeated hours
OFF_US = 4 * SECOND  # how far the second ticker's clock is behind


class Year:
    """The schedules with what is known of them from outside, and a clock that is moved from event to event."""

    def __init__(self, account, moved_clock, count, days, seed):
        self.account, self.clock, self.chance = account, moved_clock, random.Random(seed)
        self.ends_at = START + days * DAY
        self.latest = START
        self.wanted = {}  # schedule: instants
        self.unhindered = set()  # schedules whose jobs wait for no other
        self.spells = {}  # schedule: [(disabled at, enabled at)]
        self.troubled = []  # stretches in which an instant need not be fired on time
        self.attempts = Counter()  # (schedule, instant)
        self.under_way = []
        self.control = []
        last = datetime.fromtimestamp((self.ends_at + 2 * DAY) // SECOND, UTC)
        self.stretches = {zone: Stretch(zone, datetime.fromtimestamp(START // SECOND, UTC), last) for zone in ZONES}
        for number in range(count):
            self.make(number)
        self.plan_trouble(days)

    def make(self, number):
        policies = {
            "misfire": self.chance.choice(["skip", "once", "all"]),
            "catch_up_us": self.chance.choice([HOUR, 6 * HOUR, DAY]),
            "overlap": self.chance.choice(["skip", "queue_one", "allow"]),
        }
        if number % 6 == 0:
            every_us = self.chance.randint(200, 600) * HOUR + self.chance.randint(0, 59) * SECOND
            first_at = START + self.chance.randint(0, DAY)
            frequency, instants = {"repeat_every": every_us / SECOND}, range(first_at, self.ends_at + 2 * DAY, every_us)
        else:
            zone, time = self.chance.choice(ZONES), self.chance.choice(TIMES)
            days = ["* * *"] if number % 100 == 1 else ["* * 0", "* * sun", "1,15 * *", "13 * fri", "29 2-4 *"]
            cron = f"{time} {self.chance.choice(days)}"
            frequency = {"cron": cron, "timezone": zone}
            instants = [int(at.timestamp()) * SECOND for at in self.stretches[zone].due(cron)]
            instants = [at for at in instants if at > START]
            if not instants:
                return
            first_at = instants[0]
        order = NewJob(self.account.id, '{"url": "http://127.0.0.1:9/"}', None, None, clock.now())
        new = NewSchedule(order, json.dumps(frequency), first_at, **policies)
        made = schedule_changes.create(new, clock.now(), 10**6)[0].id
        self.wanted[made] = list(instants)
        if policies["overlap"] == "allow":
            self.unhindered.add(made)

    def plan_trouble(self, days):
        """What happens when: outages, spells, and clocks set forward or back by an hour."""
        for _ in range(days // 10):
            self.control.append((self.some_time(), "outage", self.chance.randint(MINUTE, 8 * HOUR)))
        for _ in range(days // 3):
            self.control.append((self.some_time(), "disable", self.chance.randint(HOUR, 20 * DAY)))
        for _ in range(days // 30 + 1):
            self.control.append((self.some_time(), "jump", self.chance.choice([HOUR, -HOUR])))
        self.control.sort(reverse=True)

    def some_time(self):
        return START + self.chance.randint(0, self.ends_at - START)

    def live(self):
        while self.clock.now < self.ends_at:
            self.clock.now = max(self.clock.now, self.next_event()) + self.chance.randint(0, 5 * SECOND)
            self.tick()
            while self.control and self.control[-1][0] <= self.clock.now:
                at, kind, span = self.control.pop()
                getattr(self, kind)(span)
        self.clock.now = max(self.clock.now, self.latest) + 60 * DAY  # every spell has ended, all is decided
        for _ in range(300):
            self.tick()
            if not self.under_way and not any(self.due()):
                break
        for schedule_id in self.spells:
            schedule_changes.enable(self.account.id, schedule_id, clock.now(), 10**6)

    def next_event(self):
        waiting = "state IN ('available', 'scheduled', 'retryable')"
        soonest = fetch(f"SELECT min(scheduled_at) FROM job WHERE schedule_id IS NOT NULL AND {waiting}")[0][0]
        return min(soonest or self.ends_at, self.control[-1][0] if self.control else self.ends_at, self.ends_at)

    def tick(self):
        self.latest = max(self.latest, self.clock.now)
        if self.chance.random() < 0.2:
            self.claim()  # a message that outlived whatever was, before any ticker looks
        planner.expire(clock.now())
        planning.plan(clock.now() - OFF_US, 50)
        planner.plan_due(clock.now())
        self.claim()

    def due(self):
        waiting = Job.state.in_(states.WAITING)
        return [row.id for row in Job.select(Job.id).where(waiting, Job.scheduled_at <= clock.now()).limit(200)]

    def claim(self):
        if self.chance.random() < 0.6:
            lifecycle.complete(self.under_way, clock.now())
            self.under_way = []
        ids = self.due()
        claimed = claims.claim(ids, clock.now(), HOUR) if ids else []
        self.attempts.update((job.schedule_id, job.fire_at) for job in claimed)
        for job in claimed:
            assert job.attempted_at >= job.fire_at
        self.under_way += claimed

    def outage(self, span):
        self.troubled.append((clock.now() - MINUTE, clock.now() + span + MINUTE))
        self.clock.now += span

    def jump(self, span):
        self.troubled.append((clock.now() - abs(span) - MINUTE, clock.now() + abs(span) + MINUTE))
        self.clock.now += span

    def disable(self, span):
        schedule_id = self.chance.choice(list(self.wanted))
        schedule_changes.disable(self.account.id, schedule_id, clock.now())
        self.spells.setdefault(schedule_id, []).append([clock.now(), self.ends_at + 90 * DAY])
        self.control.append((clock.now() + span, "enable", schedule_id))
        self.control.sort(key=lambda row: row[0], reverse=True)

    def enable(self, schedule_id):
        schedule_changes.enable(self.account.id, schedule_id, clock.now(), 10**6)
        for spell in self.spells[schedule_id]:
            spell[1] = min(spell[1], clock.now())

    def is_calm(self, schedule_id, at):
        """Whether nothing but the schedule itself decides what comes of this instant."""
        spells = [(since - MINUTE, until + MINUTE) for since, until in self.spells.get(schedule_id, [])]
        if schedule_id not in self.unhindered or at >= self.ends_at:
            return False
        return not any(since <= at <= until for since, until in [*self.troubled, *spells])


@pytest.fixture
def year(account, moved_clock, db):
    count, days = cases((50, 120), (100, 365)) if db == "sqlite" else cases((25, 40), (40, 60))
    lived = Year(account, moved_clock, count, days, seed=cases(6, 5))
    lived.live()
    return lived


def test_every_instant_of_a_year_is_accounted_for_once(year):
    """Every instant of a year has exactly one row and is attempted once at most."""
    rows = {(row.schedule_id, row.fire_at): row for row in Firing.select()}
    assert not [row for row in rows.values() if row.until_at]

    until = max(row.fire_at for row in rows.values())
    assert until >= year.ends_at - DAY

    for schedule_id, instants in year.wanted.items():
        fired = sorted(fire_at for row_id, fire_at in rows if row_id == schedule_id and fire_at <= year.ends_at)
        assert fired == [at for at in instants if at <= year.ends_at]  # nothing missed, nothing extra
    assert max(year.attempts.values()) == 1  # nothing doubled

    begun = {key for key, row in rows.items() if row.status in ("fired", "late")}
    assert begun == set(year.attempts)

    calm = [key for key in rows if year.is_calm(*key)]
    assert len(calm) > len(rows) / 6
    assert {rows[key].status for key in calm} == {"fired"}
    assert {row.status for row in rows.values()} == set(firing_rows.STATUSES) - {"cancelled", "paused", "backfilled"}
