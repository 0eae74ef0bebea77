"""A job and its follow-ups: they are found, and no other job is read for it."""

from models.jobs import job_store
from tests.support.rows import make_job, plan_of


def test_a_job_and_its_follow_ups_are_found_and_nothing_else(account):
    parent = make_job(account)
    event = make_job(account, kind="event", parent_id=parent.id)
    make_job(account, kind="event", parent_id=make_job(account).id)

    def related_ids(account_id, job):
        rows = job_store.related_to(account_id, job.id, 10, 0)
        return None if rows is None else [row.id for row in rows]

    assert related_ids(account.id, parent) == [event.id]
    assert related_ids(account.id, event) == [parent.id]
    assert related_ids(account.id + 1, parent) is None


def test_follow_ups_are_listed_oldest_first_in_parts(account):
    parent = make_job(account)
    events = [make_job(account, kind="event", parent_id=parent.id).id for _ in range(3)]

    parts = [job_store.related_to(account.id, parent.id, 2, offset) for offset in (0, 2)]

    assert [[row.id for row in part] for part in parts] == [events[:2], events[2:]]


def test_finding_follow_ups_reads_none_of_the_account_s_other_jobs(account, db, monkeypatch):
    parent = make_job(account)
    statements = []
    monkeypatch.setattr(job_store, "id_of", lambda *_: parent.id)
    monkeypatch.setattr(job_store, "fetch", lambda sql, params: statements.append((sql, params)) or [])

    job_store.related_to(account.id, parent.id, 10, 0)

    [(sql, params)] = statements
    plan = plan_of(db, sql, params)
    assert "job_parent" in plan
    assert "job_account_state" not in plan
