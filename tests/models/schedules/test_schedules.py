"""What clients ask of schedules: changes, disabling and deleting, alone and at once, and that no instant gets lost."""

import json

import pytest

from models.jobs import lifecycle
from models.jobs.job_store import NewJob
from models.jobs.job_tables import Job, JobLabel, LogEntry
from models.operations import cancelling
from models.rules import clock
from models.schedules import firing_rows, planning, schedule_changes, schedule_store
from models.schedules.schedule_store import NewSchedule
from models.schedules.schedule_tables import Schedule
from tests.support.races import at_once, beside
from tests.support.schedule_rows import HOURLY, firings_of, jobs_of, make_schedule, run_ticker, waiting_jobs_of

AT_MOST = 100
TWO_HOURLY = json.dumps({"repeat_every": [2, "hours"]})


def a_definition(account, frequency=HOURLY, url="http://127.0.0.1:9/", **more):
    order = NewJob(account.id, json.dumps({"url": url}), None, None, clock.now())
    return NewSchedule(order, frequency, clock.now(), **more)


def finish_all():
    Job.update(state="completed", lease_until=None).where(Job.state == "executing").execute()


def test_what_passed_while_disabled_is_rows_though_the_frequency_was_changed_meanwhile(account, moved_clock):
    schedule_id = make_schedule(account)
    run_ticker()
    schedule_changes.disable(account.id, schedule_id, clock.now())
    moved_clock.advance(minutes=150)
    schedule_changes.replace(account.id, schedule_id, a_definition(account, TWO_HOURLY), clock.now(), AT_MOST)
    moved_clock.advance(hours=2)
    schedule_changes.enable(account.id, schedule_id, clock.now(), 100)
    passed = [(3600, "disabled"), (7200, "disabled"), (9000, "disabled"), (16200, "disabled")]
    assert firings_of(schedule_id) == [(0, "fired"), *passed]
    decided = {row.decided_at for row in firing_rows.latest([schedule_id])[schedule_id] if row.status == "disabled"}
    assert decided == {clock.now() - 2 * clock.HOUR, clock.now()}


def test_changing_the_frequency_of_an_enabled_one_makes_no_row(account, moved_clock):
    schedule_id = make_schedule(account)
    run_ticker()
    moved_clock.advance(minutes=30)
    schedule_changes.replace(account.id, schedule_id, a_definition(account, TWO_HOURLY), clock.now(), AT_MOST)
    assert firings_of(schedule_id) == [(0, "fired")]


def test_a_cancelled_instant_stays_cancelled_when_its_schedule_is_enabled(account, moved_clock):
    """An instant that its owner cancelled stays so when the schedule is enabled again."""
    schedule_id = make_schedule(account)
    run_ticker()
    finish_all()
    cancelling.cancel(account.id, waiting_jobs_of(schedule_id)[0].id, clock.now())
    schedule_changes.disable(account.id, schedule_id, clock.now())
    schedule_changes.enable(account.id, schedule_id, clock.now(), 100)
    moved_clock.advance(hours=1)
    assert run_ticker() == []

    moved_clock.advance(hours=1)
    assert len(run_ticker()) == 1
    assert firings_of(schedule_id) == [(0, "fired"), (3600, "cancelled"), (7200, "fired")]


def test_putting_one_that_is_deleted_at_the_same_time_makes_it_anew(account, moved_clock, monkeypatch):
    before, _ = schedule_changes.put(a_definition(account, key="k"), clock.now(), 100)
    id_of = schedule_changes.id_of

    def found_and_deleted(account_id, key):
        monkeypatch.setattr(schedule_changes, "id_of", id_of)
        found_id = id_of(account_id, key)
        schedule_changes.delete(account_id, key, clock.now())
        return found_id

    monkeypatch.setattr(schedule_changes, "id_of", found_and_deleted)
    after, made = schedule_changes.put(a_definition(account, key="k"), clock.now(), 100)
    assert (made, after.id == before.id) == (True, False)
    assert [job.state for job in jobs_of(after.id)] == ["available"]
    assert Schedule.select().count() == 1


def test_putting_one_more_than_may_be_is_refused_and_changing_one_is_not(account, moved_clock):
    schedule_changes.put(a_definition(account, key="k"), clock.now(), 1)
    with pytest.raises(schedule_changes.TooMany):
        schedule_changes.put(a_definition(account, key="other"), clock.now(), 1)
    _, made = schedule_changes.put(a_definition(account, TWO_HOURLY, key="k"), clock.now(), 1)
    assert not made


WEBHOOK = json.dumps({"webhook": "http://127.0.0.1:9/events"})


@pytest.mark.parametrize("stop", [schedule_changes.disable, schedule_changes.delete])
def test_a_job_that_waited_for_its_retry_when_its_schedule_stopped_is_told_of(account, moved_clock, stop):
    new = a_definition(account)
    row, _, _ = schedule_changes.create(new._replace(job=new.job._replace(notify=WEBHOOK)), clock.now(), 100)
    [begun] = run_ticker()
    lifecycle.retry([(begun, clock.now() + clock.MINUTE)])
    stop(account.id, row.id, clock.now())
    [event] = Job.select().where(Job.kind == "event", Job.parent_id == begun.id)
    assert json.loads(event.body)["type"] == "job.cancelled"
    assert [job.state for job in jobs_of(row.id)] == ["cancelled", "cancelled"]


def outcomes(results):
    return sorted(type(result).__name__ for result in results)


def test_of_changes_made_at_once_from_one_definition_one_is_taken(account, db):
    schedule_id, before = create_hourly(account)
    row = schedule_store.find(account.id, schedule_id)

    def change_to(name):
        changed = before._replace(job=before.job._replace(args=json.dumps({"name": name}), name=name))
        return lambda: schedule_changes.replace(account.id, schedule_id, changed, clock.now(), AT_MOST, row)

    results = at_once(*map(change_to, "abcdefgh"))

    assert outcomes(results) == [*["Overtaken"] * 7, "str"]
    taken = "abcdefgh"[results.index(schedule_id)]
    assert (
        [job.name for job in waiting_jobs_of(schedule_id)]
        == [schedule_store.find(account.id, schedule_id).name]
        == [taken]
    )


def test_a_change_made_beside_another_from_one_definition_is_not_taken(account, db):
    schedule_id, before = create_hourly(account)
    row = schedule_store.find(account.id, schedule_id)

    def change_to(**fields):
        changed = before._replace(job=before.job._replace(**fields))
        return lambda: schedule_changes.replace(account.id, schedule_id, changed, clock.now(), AT_MOST, row)

    second = beside(change_to(args='{"url":"http://127.0.0.1:9/first"}'), change_to(args="{}"))

    assert isinstance(second, schedule_changes.Overtaken)
    assert schedule_store.find(account.id, schedule_id).args == '{"url":"http://127.0.0.1:9/first"}'


@pytest.mark.parametrize("fields", [{"args": '{"a":1}'}, {"body": b"[2]"}, {"content_type": "text/plain"}])
def test_a_change_from_a_request_that_was_changed_meanwhile_is_not_taken(account, db, fields):
    """It would undo the other change, also where that concerns the body alone, which `args` does not contain."""
    body = {"body": b"[1]", "content_type": "application/json"}
    schedule_id, definition = create_hourly(account, **body)
    row = schedule_store.find(account.id, schedule_id)
    changed = definition._replace(job=definition.job._replace(**fields))
    schedule_changes.replace(account.id, schedule_id, changed, clock.now(), AT_MOST, row)

    with pytest.raises(schedule_changes.Overtaken):
        schedule_changes.replace(account.id, schedule_id, definition, clock.now(), AT_MOST, row)

    assert getattr(schedule_store.find(account.id, schedule_id), *fields) == next(iter(fields.values()))


def test_a_change_beside_planners_leaves_one_waiting_job_of_the_new_definition(account, moved_clock):
    now = clock.now()
    changed = a_definition(account, url="http://127.0.0.1:9/new")
    made = [schedule_changes.create(a_definition(account), now, 100)[0].id for _ in range(10)]

    def change():
        return [schedule_changes.replace(account.id, schedule_id, changed, now + 1, AT_MOST) for schedule_id in made]

    def plan():
        return [planning.plan(now + 1, 3) for _ in range(10)]

    results = at_once(change, plan, plan, change)

    assert [type(result) for result in results] == [list] * 4
    for schedule_id in made:
        assert [job.args for job in waiting_jobs_of(schedule_id) if job.fire_at > now + 1] == [changed.job.args]
        instants = [job.fire_at for job in jobs_of(schedule_id) if job.state != "cancelled"]
        assert len(instants) == len(set(instants)) == 2


@pytest.mark.parametrize("stop", [schedule_changes.disable, schedule_changes.delete])
def test_a_schedule_stopped_while_planners_are_at_work_leaves_no_waiting_job(account, moved_clock, stop):
    now = clock.now()
    made = [schedule_changes.create(a_definition(account), now, 100)[0].id for _ in range(10)]

    def stop_each():
        return [bool(stop(account.id, schedule_id, now + 1)) for schedule_id in made]

    def plan():
        return [planning.plan(now + 1, 3) for _ in range(10)]

    results = at_once(plan, stop_each, plan)

    assert results[1] == [True] * 10
    assert [job.state for schedule_id in made for job in waiting_jobs_of(schedule_id)] == []


def test_c5_schedules_made_at_once_keep_to_the_limit(account, db):
    results = at_once(*[lambda: schedule_changes.create(a_definition(account), clock.now(), 3)] * 8)
    assert outcomes(results) == [*["TooMany"] * 5, *["tuple"] * 3]
    assert Schedule.select().count() == 3


def test_c5_schedules_put_and_enabled_at_once_keep_to_the_limit(account, db):
    disabled = [schedule_changes.create(a_definition(account), clock.now(), 100)[0].id for _ in range(4)]
    for schedule_id in disabled:
        schedule_changes.disable(account.id, schedule_id, clock.now())

    def enable(schedule_id):
        return lambda: schedule_changes.enable(account.id, schedule_id, clock.now(), 2)

    def put(key):
        return lambda: schedule_changes.put(a_definition(account, key=key), clock.now(), 2)

    results = at_once(*map(enable, disabled), *map(put, "abcd"))

    assert outcomes(results).count("TooMany") == 6
    assert Schedule.select().where(Schedule.disabled_at.is_null()).count() == 2


def create_hourly(account, policies=None, **ordered):
    """The schedule's id and its definition; its first job waits for an hour from now."""
    new = a_definition(account, **(policies or {}))
    new = new._replace(job=new.job._replace(**ordered), first_at=clock.now() + clock.HOUR)
    return schedule_changes.create(new, clock.now(), 100)[0].id, new


def test_the_greatest_age_counts_from_when_a_jittered_job_is_due(account, moved_clock):
    schedule_id, _ = create_hourly(account, {"jitter_us": 1800 * clock.SECOND}, retry_until=clock.now() + clock.MINUTE)
    [job] = waiting_jobs_of(schedule_id)
    assert job.scheduled_at > job.fire_at
    assert job.retry_until == job.scheduled_at + clock.MINUTE


CHANGED_ORDERS = {
    **{"name": "other", "description": "said otherwise", "args": '{"url":"http://127.0.0.1:9/other"}', "body": b"[2]"},
    **{"content_type": "text/plain", "max_attempts": 3, "timeout_ms": 5000, "host": "other.example", "hops": 2},
    **{"backoff": '{"fixed":60}', "redact": '["x-a"]', "notify": '{"webhook":"http://127.0.0.1:9/"}'},
}


@pytest.mark.parametrize("field", CHANGED_ORDERS)
def test_the_waiting_job_is_made_anew_with_what_was_changed(account, moved_clock, field):
    schedule_id, before = create_hourly(account, body=b"[1]", content_type="application/json")
    after = before._replace(job=before.job._replace(**{field: CHANGED_ORDERS[field]}))

    schedule_changes.replace(account.id, schedule_id, after, clock.now(), AT_MOST)

    old, new = jobs_of(schedule_id)
    assert (old.state, new.state, new.fire_at == old.fire_at) == ("cancelled", "scheduled", True)
    assert getattr(old, field) != getattr(new, field) == CHANGED_ORDERS[field]


def test_labels_and_greatest_age_are_changed_for_the_waiting_job(account, moved_clock):
    schedule_id, before = create_hourly(account, labels=("old",))
    job = before.job._replace(labels=("new",), retry_until=before.job.scheduled_at + clock.MINUTE)

    schedule_changes.replace(account.id, schedule_id, before._replace(job=job), clock.now(), AT_MOST)

    [job] = waiting_jobs_of(schedule_id)
    assert [row.label for row in JobLabel.select().where(JobLabel.job_id == job.id)] == ["new"]
    assert job.retry_until == job.scheduled_at + clock.MINUTE


def test_jitter_and_catch_up_are_changed_for_the_waiting_job(account, moved_clock):
    schedule_id, before = create_hourly(account)
    after = before._replace(jitter_us=clock.HOUR, catch_up_us=10 * clock.HOUR)

    schedule_changes.replace(account.id, schedule_id, after, clock.now(), AT_MOST)

    [job] = waiting_jobs_of(schedule_id)
    assert job.scheduled_at - job.fire_at == schedule_store.offset_us(schedule_id, clock.HOUR) > 0
    assert job.start_by - job.scheduled_at == 10 * clock.HOUR


def test_a_changed_overlap_counts_for_the_next_claim(account, moved_clock):
    schedule_id, before = create_hourly(account)
    moved_clock.advance(hours=1)
    run_ticker()
    schedule_changes.replace(account.id, schedule_id, before._replace(overlap="allow"), clock.now(), AT_MOST)
    moved_clock.advance(hours=1)
    assert len(run_ticker()) == 1


@pytest.mark.parametrize(("misfire", "skipped"), [("skip", 2), ("once", 2), ("all", 0)])
def test_a_changed_misfire_counts_for_what_is_missed_next(account, moved_clock, misfire, skipped):
    schedule_id, before = create_hourly(account, {"misfire": "all" if misfire != "all" else "skip"})
    after = before._replace(misfire=misfire, catch_up_us=24 * clock.HOUR)
    schedule_changes.replace(account.id, schedule_id, after, clock.now(), AT_MOST)
    moved_clock.advance(hours=3, minutes=30)
    planning.plan(clock.now(), 100)
    assert [status for _, status in firings_of(schedule_id)] == ["skipped_misfire"] * skipped


def test_a_definition_that_is_the_same_makes_no_job_anew(account, moved_clock):
    schedule_id, before = create_hourly(
        account, {"jitter_us": 60 * clock.SECOND}, body=b"[1]", content_type="text/plain"
    )
    schedule_changes.replace(account.id, schedule_id, before, clock.now(), AT_MOST)
    assert [job.state for job in jobs_of(schedule_id)] == ["scheduled"]


def test_a_schedule_changed_while_disabled_makes_the_new_job_once_enabled(account, moved_clock):
    schedule_id, before = create_hourly(account)
    schedule_changes.disable(account.id, schedule_id, clock.now())
    after = before._replace(job=before.job._replace(name="other"))

    schedule_changes.replace(account.id, schedule_id, after, clock.now(), AT_MOST)
    assert waiting_jobs_of(schedule_id) == []
    assert schedule_store.find(account.id, schedule_id).disabled_at == clock.now()

    schedule_changes.enable(account.id, schedule_id, clock.now(), 100)
    assert [job.name for job in waiting_jobs_of(schedule_id)] == ["other"]


def test_a_change_keeps_key_state_answer_and_failures(account, moved_clock):
    row, _ = schedule_changes.put(a_definition(account, key="k"), clock.now(), 100)
    kept = {"state": '{"a":1}', "previous": '{"b":2}', "failures": 3}
    Schedule.update(kept).execute()
    moved_clock.advance(seconds=1)

    after, made = schedule_changes.put(a_definition(account, url="http://127.0.0.1:9/other", key="k"), clock.now(), 100)

    assert (made, after.id, after.key, after.inserted_at) == (False, row.id, "k", row.inserted_at)
    assert {name: getattr(after, name) for name in kept} == kept


def test_enabling_what_is_enabled_changes_nothing(account, moved_clock):
    schedule_id, _ = create_hourly(account)
    Schedule.update(previous='{"b":2}', failures=3).execute()
    before = Schedule.get_by_id(schedule_id).__data__
    moved_clock.advance(seconds=1)
    schedule_changes.enable(account.id, schedule_id, clock.now(), 1)
    assert Schedule.get_by_id(schedule_id).__data__ == before
    assert len(jobs_of(schedule_id)) == 1


def test_a_key_used_anew_after_its_schedule_was_deleted_remembers_nothing(account, moved_clock):
    schedule_changes.put(a_definition(account, key="k"), clock.now(), 100)
    Schedule.update(state='{"a":1}', previous='{"b":2}', failures=3).execute()
    schedule_changes.delete(account.id, "k", clock.now())
    row, made = schedule_changes.put(a_definition(account, key="k"), clock.now(), 100)
    assert (made, row.state, row.previous, row.failures) == (True, "{}", None, 0)


def test_a_changed_frequency_does_not_begin_in_the_past(account, moved_clock):
    schedule_id, before = create_hourly(account)
    after = before._replace(frequency=TWO_HOURLY, first_at=clock.now() - clock.DAY)
    schedule_changes.replace(account.id, schedule_id, after, clock.now(), AT_MOST)
    assert [job.fire_at for job in waiting_jobs_of(schedule_id)] == [clock.now()]


def test_a_job_whose_instant_has_come_is_sent_as_it_was(account, moved_clock):
    schedule_id, before = create_hourly(account)
    moved_clock.advance(hours=1)
    after = before._replace(job=before.job._replace(name="other"))
    schedule_changes.replace(account.id, schedule_id, after, clock.now(), AT_MOST)
    assert [(job.fire_at - clock.now(), job.name) for job in waiting_jobs_of(schedule_id)] == [
        (0, None),
        (clock.HOUR, "other"),
    ]


def test_a_changed_frequency_makes_a_job_though_its_owner_cancelled_one(account, moved_clock):
    schedule_id, before = create_hourly(account)
    cancelling.cancel(account.id, waiting_jobs_of(schedule_id)[0].id, clock.now())
    moved_clock.advance(minutes=1)
    after = before._replace(frequency=TWO_HOURLY, first_at=clock.now() + 2 * clock.HOUR)
    schedule_changes.replace(account.id, schedule_id, after, clock.now(), AT_MOST)
    assert [job.fire_at for job in waiting_jobs_of(schedule_id)] == [clock.now() + 2 * clock.HOUR]


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        (
            lambda account, schedule_id: schedule_changes.disable(account.id, schedule_id, clock.now()),
            "its schedule was disabled",
        ),
        (
            lambda account, schedule_id: schedule_changes.delete(account.id, schedule_id, clock.now()),
            "its schedule was deleted",
        ),
        (
            lambda account, schedule_id: schedule_changes.replace(
                account.id, schedule_id, a_definition(account, TWO_HOURLY), clock.now(), AT_MOST
            ),
            "its schedule was changed",
        ),
    ],
)
def test_the_log_of_a_job_says_what_was_done_to_its_schedule(account, moved_clock, stop, reason):
    schedule_id, _ = create_hourly(account)
    [job] = waiting_jobs_of(schedule_id)
    stop(account, schedule_id)
    [entry] = LogEntry.select().where(LogEntry.job_id == job.id)
    assert (entry.event, json.loads(entry.payload)) == ("worker.job.cancelled", {"reason": reason})
    assert (entry.account_id, entry.schedule_id) == (account.id, schedule_id)
