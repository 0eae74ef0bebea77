"""Which jobs belong together, and that finding them reads no others."""

from models.jobs import related
from tests.support.rows import make_job, plan_of


def test_what_tells_of_a_job_and_what_it_tells_of_are_found_and_nothing_else(account):
    parent = make_job(account)
    event = make_job(account, kind="event", parent_id=parent.id)
    make_job(account, kind="event", parent_id=make_job(account).id)
    assert [row.id for row in related.related(account.id, parent.id, 10, 0)] == [event.id]
    assert [row.id for row in related.related(account.id, event.id, 10, 0)] == [parent.id]
    assert related.related(account.id + 1, parent.id, 10, 0) is None


def test_finding_them_reads_none_of_the_account_s_other_jobs(account, db, monkeypatch):
    parent = make_job(account)
    asked = []
    monkeypatch.setattr(related, "fetch", lambda sql, params: asked.append((sql, params)) or [])
    related.related(account.id, parent.id, 10, 0)
    [(sql, params)] = asked
    plan = plan_of(db, sql, params)
    assert "job_parent" in plan
    assert "job_account" not in plan
