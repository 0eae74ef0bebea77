"""The state that recorded tests begin from has something of everything, and no action leaves anything of itself."""

from models.alerts.alert_tables import Incident
from models.jobs.job_kinds import KINDS
from models.jobs.job_tables import Job
from models.jobs.states import STATES
from models.schedules.policies import MISFIRES, OVERLAPS
from models.schedules.schedule_tables import Schedule
from tests.support import table_changes
from tests.support.rich.names import ACCOUNT, JOB
from tests.support.rich.numbers import TABLES
from tests.support.rows import make_job


def test_every_table_has_rows(scenario):
    assert [name for name, contents in table_changes.read(TABLES).items() if not contents.rows] == []


def test_every_state_kind_and_policy_occurs(scenario):
    jobs, schedules = list(Job.select()), list(Schedule.select())

    assert {job.state for job in jobs} == set(STATES)
    assert {job.kind for job in jobs} == set(KINDS)
    assert {each.overlap for each in schedules} == set(OVERLAPS)
    assert {each.misfire for each in schedules} == set(MISFIRES)
    assert {row.announced for row in Incident.select()} == {None, "opened", "closed"}


def test_an_action_shows_all_that_it_changed_and_is_undone(scenario):
    before = table_changes.read(TABLES)

    def act():
        Job.update(name="other").where(Job.id == JOB["ready"]).execute()
        Job.delete().where(Job.id == JOB["done"]).execute()
        make_job(type("Owner", (), {"id": ACCOUNT["bob"]}), name="fresh")
        return {"a": [1, 2]}

    text = scenario.text_of({"act": act})

    assert "by name\n    a: 1, 2\n" in text
    assert "~ job [job ready]\n    name: ready → other\n" in text
    assert "- job [job done]\n" in text
    assert "+ job [new job 1]\n" in text
    assert "    account_id: [account bob]\n    name: fresh\n" in text
    assert table_changes.read(TABLES) == before
    assert scenario.text_of({"act": act}) == text
