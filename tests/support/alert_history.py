"""A history of schedules on a moved clock: hosts that go down, targets that flap, outages of Booper, days on which a
clock changes, two tickers that are killed again and again, and an owner who mutes and acknowledges.

Which instants there are and what becomes of each is computed here, from docs/api.md and an independent reading of cron.
"""

import json
import random
from bisect import bisect_right
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from models.alerts import alert_store, incident_store, polling
from models.alerts.alert_tables import Incident
from models.alerts.conditions import HOST, LABEL, Quiet
from models.database.connection import connection
from models.database.sql import fetch
from models.jobs.job_kinds import REQUEST
from models.jobs.job_store import NewJob
from models.jobs.job_tables import Job
from models.jobs.states import NOT_BEGUN
from models.operations import claims
from models.rules.clock import HOUR, MINUTE, SECOND
from models.schedules import schedule_changes
from models.schedules.schedule_store import NewSchedule
from tests.support.alert_judge import EPOCH, AlertJudge, JudgedRule
from tests.support.alerts import REFUSED, look, make_alert, send
from tests.support.cron_oracle import Stretch
from tests.support.results import answered, result_of
from tests.support.schedule_rows import MARGIN
from workers.delivery.recorder import record
from workers.ticker import planner

STEP = 10 * MINUTE
CATCH_UP = HOUR
RUNS_ANYWAY = MINUTE  # so late a job may begin whatever its policy says
DISABLED_AFTER = 4
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
HOOK, SLACK = "https://hooks.example/{}", "https://hooks.slack.example/services/{}"


class AlertHistory:
    """`live` from its beginning to its end; then `incidents` and `messages` are to be those of its `judge`."""

    def __init__(self, account, moved_clock, kills, begins_at, ends_at, schedules, seed, trouble):
        self.account, self.clock, self.kills = account, moved_clock, kills
        self.dice = random.Random(seed)  # noqa: S311 - a history, no secret
        self.trouble = trouble
        moved_clock.now, self.ends_at, self.before = begins_at, ends_at, begins_at - 1
        self.stretches = {zone: Stretch(zone, when(begins_at), when(ends_at) + timedelta(days=2)) for zone in ZONES}
        self.schedules, self.instants, self.bad, self.delay = {}, {}, {}, 0
        self.outages = 0
        for number in range(schedules):
            self.make_schedule(number)
        self.times = sorted(self.instants)
        self.judge = AlertJudge(self.make_rules(), self.schedules, begins_at)

    def live(self):
        with ThreadPoolExecutor(2, "ticker") as self.tickers:
            while self.clock.now < self.ends_at:
                self.step()
                self.move_on()

    def step(self):
        self.owner_acts()
        self.look()
        jobs = self.begin()
        self.look()
        self.wait_for_answers()
        self.look()
        self.end(jobs)
        self.look()
        self.clock.advance(seconds=3)
        self.look()
        self.tick(lambda: polling.poll_silence(self.clock.now))
        self.judge.polled(self.clock.now)
        self.look()
        self.clock.advance(seconds=3)
        self.look()

    # What there is.

    def make_schedule(self, number):
        host, night = f"host{number % 8}.example", number % 3 == 0
        frequency, instants = self.frequency(number)
        job = NewJob(
            *(self.account.id, json.dumps({"url": f"https://{host}/"}), None, None, self.clock.now),
            name=f"s{number}",
            host=host,
            labels=("night",) if night else (),
        )
        policies = {"misfire": "skip" if number % 2 else "once"}
        policies |= {"disable_after": DISABLED_AFTER} if number % 20 == 7 else {}
        new = NewSchedule(job, json.dumps(frequency), instants[0], **policies)
        row = schedule_changes.create(new, self.clock.now, 1000)[0]
        schedule = SimpleNamespace(id=row.id, host=host, night=night, flaps=number % 20 == 0, failures=0, off=False)
        schedule.makes_up, schedule.disables = policies["misfire"] == "once", "disable_after" in policies
        self.schedules[row.id] = schedule
        self.bad |= {row.id: False, host: False}
        for at in instants:
            self.instants.setdefault(at, []).append(schedule)

    def frequency(self, number):
        """Some each ten minutes, some each hour or two, and the rest once a day, by the clock on a wall."""
        first, kind = self.clock.now, number % 20
        if kind < 12:
            every = STEP if kind == 0 else 2 * HOUR if kind > 8 else HOUR
            return {"repeat_every": every // SECOND}, range(first, self.ends_at + 2 * every, every)
        zone = ZONES[number % len(ZONES)]
        cron = f"{self.dice.randrange(0, 60, 10)} {self.dice.choice([0, 1, 2, 2, 3, 14])} * * *"
        instants = [(at - EPOCH) // timedelta(microseconds=1) for at in self.stretches[zone].due(cron)]
        return {"cron": cron, "timezone": zone}, [at for at in instants if at > first]

    def make_rules(self):
        night = frozenset(each.id for each in self.schedules.values() if each.night)
        at_host = frozenset(each.id for each in self.schedules.values() if each.host == "host1.example")
        return [
            self.rule(
                "share", ("failed", "recovered"), frozenset(self.schedules), share=0.3, within=3 * HOUR, at_least=4
            ),
            self.rule("all", ("failed", "recovered"), frozenset(self.schedules), after=2),
            self.rule("first", ("failed", "missed"), at_host, scope=(HOST, "host1.example"), repeat=6 * HOUR),
            self.rule(
                *("night", ("missed", "late", "silent", "recovered"), night),
                scope=(LABEL, "night"),
                late_after=20 * MINUTE,
                silent_after=26 * HOUR,
                repeat=9 * HOUR,
                quiet=(22 * 60, 2 * 60 + 30, "Europe/Berlin"),
            ),
        ]

    def rule(self, name, on, covers, scope=("account", ""), **options):
        judged = JudgedRule(name, on, covers, **options)
        names = {
            "late_after": "late_after_us",
            "silent_after": "silent_after_us",
            "within": "within_us",
            "repeat": "repeat_us",
        }
        stored = {names.get(key, key): value for key, value in options.items()}
        if "quiet" in stored:
            stored["quiet"] = Quiet(*stored["quiet"])
        to = [("webhook", HOOK.format(name)), ("slack", SLACK.format(name))]
        self.uuids = {**getattr(self, "uuids", {}), name: make_alert(self.account, on, scope, to, name, **stored).uuid}
        return judged

    # What happens.

    def move_on(self):
        """To the next ten minutes; at times Booper is away for hours, and comes back in between."""
        self.before = self.clock.now
        self.clock.now = self.clock.now // STEP * STEP + STEP
        if self.dice.random() < self.trouble / 2:
            self.outages += 1
            self.clock.now += self.dice.randrange(1, 40) * STEP + self.dice.randrange(120, 500) * SECOND
        for key, is_bad in self.bad.items():
            flaps = key in self.schedules and self.schedules[key].flaps
            if self.dice.random() < (0.6 if flaps else 0.2 if is_bad else self.trouble):
                self.bad[key] = not is_bad

    def begin(self):
        """Plan and claim what is due; those jobs must be the ones that are computed here."""
        now = self.clock.now
        missed, begun = self.fates(now)
        self.kills.survive(lambda: planner.expire(now))
        self.kills.survive(lambda: planner.plan_due(now))
        jobs = claims.claim([job.id for job in self.due(now)], now, MARGIN)
        assert Counter((job.schedule_id, job.fire_at) for job in jobs) == Counter(begun)
        for schedule in missed:
            self.judge.saw(now, schedule, "missed")
        for schedule, at in begun:
            self.judge.saw(now, schedule, "begun", lateness=now - at)
        return jobs

    def due(self, now):
        """The jobs of schedules that are due, by an index: those of past weeks are not to be read at each step."""
        mine = Job.select(Job.id).where(Job.account_id == self.account.id, Job.kind == REQUEST)
        return mine.where(Job.state.in_(NOT_BEGUN), Job.scheduled_at <= now).order_by(Job.id)

    def fates(self, now):
        """The schedules that missed instants, and the instants whose jobs begin now."""
        passed = {}
        for at in self.instants_until(now):
            for schedule in self.instants[at]:
                if not schedule.off:
                    passed.setdefault(schedule.id, []).append(at)
        begun, missed = [], []
        for key, instants in passed.items():
            runs = [at for at in instants if now - at <= RUNS_ANYWAY]
            others = [at for at in instants if RUNS_ANYWAY < now - at <= CATCH_UP]
            runs += others[-1:] if self.schedules[key].makes_up else []
            begun += [(key, at) for at in runs]
            missed += [key] if len(runs) < len(instants) else []
        return missed, begun

    def instants_until(self, now):
        """Those since the last step; each is asked for once."""
        first = bisect_right(self.times, self.before)
        return self.times[first : bisect_right(self.times, now)]

    def wait_for_answers(self):
        """No two steps wait equally long, so that nothing that is due falls on what happens."""
        self.delay = (self.delay + self.dice.randrange(1, 30 * SECOND)) % (40 * SECOND) + SECOND
        self.clock.now += self.delay

    def end(self, jobs):
        now = self.clock.now
        causes = {job.schedule_id: self.cause_of(self.schedules[job.schedule_id]) for job in jobs}
        results = [result_of(job._replace(max_attempts=1), outcome(causes[job.schedule_id], self.dice)) for job in jobs]
        self.kills.survive(lambda: record(results))
        for key, cause in causes.items():
            self.judge.saw(now, key, "succeeded" if cause is None else "failed", cause)
            schedule = self.schedules[key]
            schedule.failures = 0 if cause is None else schedule.failures + 1
            if schedule.disables and schedule.failures >= DISABLED_AFTER:
                schedule.off = True
                self.judge.saw(now, key, "disabled")

    def cause_of(self, schedule):
        if self.bad[schedule.host]:
            return f"host:{schedule.host}"
        return f"schedule:{schedule.id}" if self.bad[schedule.id] else None

    def owner_acts(self):
        now = self.clock.now
        for rule in self.judge.rules:
            if rule.muted_until <= now and self.dice.random() < 1 / 300:
                until = now + self.dice.randrange(1, 600) * MINUTE
                alert_store.change(self.account.id, self.uuids[rule.name], {"muted_until": until}, now)
                self.judge.mute(rule.name, until)
        opened = self.judge.open()
        if opened and self.dice.random() < 1 / 20:
            self.acknowledge(self.dice.choice(opened), now)

    def acknowledge(self, chosen, now):
        same = (
            Incident.alert_name == chosen.rule.name,
            Incident.type == chosen.type,
            Incident.subject == chosen.subject,
        )
        row = Incident.get(*same, Incident.closed_at.is_null())
        incident_store.acknowledge(self.account.id, row.uuid, now)
        chosen.acknowledged = True

    # Who looks.

    def look(self):
        self.tick(look_and_send)
        self.judge.looked(self.clock.now)

    def tick(self, work):
        """Two tickers at once, each killed in the middle at times; then the work is finished."""
        if self.dice.random() < 0.3:
            for ticker in [self.tickers.submit(self.survive, work) for _ in range(2)]:
                ticker.result(60)
        else:
            self.kills.survive(work)
        work()

    def survive(self, work):
        with connection():
            self.kills.survive(work)

    # What came of it.

    def incidents(self):
        rows = Incident.select()
        return Counter((row.alert_name, row.type, row.subject, row.opened_at, row.closed_at) for row in rows)

    def messages(self):
        """As the webhook gets them: from the bodies of the jobs that carry them."""
        jobs = Job.select().where(Job.kind == "alert", Job.host == "hooks.example")
        return Counter(message_of(json.loads(bytes(job.body)), job.inserted_at) for job in jobs)

    def notes(self, way):
        """The same for any way, from the rows that say what was sent; each names a job that is there."""
        rows = fetch(
            "SELECT alert_name, notification.type, incident.type, subject, opened_at, notification.inserted_at "
            "FROM notification JOIN incident ON incident.id = incident_id JOIN job ON job.id = job_id WHERE way = %s",
            (way,),
        )
        return Counter(tuple(row) for row in rows)


def look_and_send():
    look()
    send()


def outcome(cause, dice):
    if cause is None:
        return answered()
    return dice.choice([REFUSED, answered(503)]) if cause.startswith("host:") else answered(500)


def message_of(body, at):
    incident = body["incident"]
    opened = datetime.fromisoformat(incident["opened_at"])
    what = body["type"].removeprefix("incident.")
    opened_at = (opened - EPOCH) // timedelta(microseconds=1)
    return incident["alert"], what, incident["type"], incident["subject"], opened_at, at


def when(at):
    return datetime.fromtimestamp(at // SECOND, UTC)
