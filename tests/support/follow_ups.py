"""Callbacks, events and messages to channels as the table holds them."""

import json

from models.jobs.job_tables import Job


def follow_ups(kind):
    """The follow-ups of this kind, in their order."""
    return list(Job.select().where(Job.kind == kind).order_by(Job.id))


def follow_up_bodies(kind):
    """Their bodies, parsed."""
    return [json.loads(job.body) for job in follow_ups(kind)]
