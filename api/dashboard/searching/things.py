"""Finds what an id names: a job, a schedule or a log entry of the visitor."""

from typing import NamedTuple

from flask import url_for

from api.requests.ids import job_key
from models.jobs import job_store, log_entries
from models.schedules import schedule_store


class Thing(NamedTuple):
    """What an id names: what it is, and its address."""

    label: str
    address: str


def find_thing(account_id: int, typed: str) -> Thing | None:
    """The account's thing of this id; None for another text."""
    key = job_key(typed)
    if key is None:
        return None
    if job := job_store.find(account_id, key):
        return Thing(f"Job {job.id}", url_for("pages.show_job", key=job.uuid))
    if isinstance(key, int):
        return None
    if schedule_store.find(account_id, key):
        return Thing("Schedule", url_for("pages.show_schedule", key=key))
    return Thing("Log entry", url_for("pages.show_log", key=key)) if log_entries.find(account_id, key) else None
