"""Schedules in the tables: making them, one turn of the ticker's duties, and what comes of their instants."""

import json

from models.jobs import states
from models.jobs.job_store import NewJob
from models.jobs.job_tables import Job
from models.operations import claims
from models.rules import clock
from models.schedules import planning, schedule_changes
from models.schedules.planning import Planned
from models.schedules.schedule_store import NewSchedule
from models.schedules.schedule_tables import Firing, Schedule
from workers.ticker import planner

MARGIN = 10 * clock.SECOND
HOURLY = json.dumps({"repeat_every": [1, "hour"]})
SECONDLY = json.dumps({"repeat_every": 1})


def make_schedule(account, frequency=HOURLY, first_in_s=0, body=None, at_most=100, **policies):
    """The id of a fresh schedule."""
    now = clock.now()
    order = NewJob(account.id, json.dumps({"url": "http://127.0.0.1:9/"}), body, body and "application/json", now)
    first_at = now + first_in_s * clock.SECOND
    return schedule_changes.create(NewSchedule(order, frequency, first_at, **policies), now, at_most)[0].id


def create_schedule(account, job=(), **policies):
    """A schedule that is due now and each hour from then on; `job`: fields of NewJob that its jobs are made of."""
    now = clock.now()
    template = NewJob(account.id, json.dumps({"url": "http://127.0.0.1:9/"}), None, None, now, **dict(job))
    return schedule_changes.create(NewSchedule(template, HOURLY, now, **policies), now, 100)[0]


def planned(schedule_id):
    row = Schedule.get_by_id(schedule_id)
    return Planned(*(getattr(row, name) for name in Planned._fields))


def plan():
    return planning.plan(clock.now(), 100)


def claim_firings(*claimed):
    return claims.claim([job.id for job in claimed], clock.now(), MARGIN)


def run_ticker():
    """One turn of the ticker's duties for schedules, and a claim of what is due."""
    planner.expire(clock.now())
    planner.plan_due(clock.now())
    due = Job.select(Job.id).where(Job.state.in_(states.WAITING), Job.scheduled_at <= clock.now())
    return claims.claim([job.id for job in due], clock.now(), MARGIN)


def jobs_of(schedule_id):
    return list(Job.select().where(Job.schedule_id == schedule_id).order_by(Job.fire_at, Job.id))


def waiting_jobs_of(schedule_id):
    return [job for job in jobs_of(schedule_id) if job.state in states.WAITING]


def firings_of(schedule_id):
    """(seconds after the start of the test's clock, status), the earliest first."""
    start = jobs_of(schedule_id)[0].inserted_at
    rows = Firing.select().where(Firing.schedule_id == schedule_id).order_by(Firing.fire_at)
    return [((row.fire_at - start) // clock.SECOND, row.status) for row in rows]
