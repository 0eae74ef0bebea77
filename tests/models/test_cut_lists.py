"""Where a statement takes or shows so many rows at most, it leaves these in: the soonest, the newest, or the oldest."""

import json

import pytest

from models.alerts import alert_store, announcing, evaluation, incident_store, status_pages
from models.alerts.alert_tables import Incident, IncidentSubject, Notification
from models.flows import gates, parking
from models.flows.gate_tables import Gate
from models.jobs import lifecycle, staging
from models.jobs.job_kinds import REQUEST
from models.jobs.job_tables import Job, JobLabel
from models.jobs.searches.job_filter import JobFilter
from models.operations import acks, database_figures, failures, overview
from models.operations.listening import open_requests
from models.operations.timelines import active_jobs, coming_jobs, past_attempts, planned_instants, waiting_causes
from models.rules import clock
from models.rules.clock import HOUR, MINUTE, SECOND
from models.rules.limits import FLOW
from models.schedules import misfire, planning
from models.schedules.health_events import FAILED
from models.schedules.schedule_tables import HealthEvent, Schedule
from tests.support import acks as acked
from tests.support import listeners
from tests.support.alerts import make_alert, open_incident
from tests.support.attempt_rows import add_attempt, attempted_job
from tests.support.flows import flow, gate_of, let_through, order
from tests.support.rows import make_job
from tests.support.schedule_rows import create_schedule, make_schedule

ALL = JobFilter(REQUEST)
A_HOST = ALL._replace(host="a.example")


@pytest.fixture(autouse=True)
def early_log(monkeypatch, moved_clock):
    """Entries keep the instants of their attempts, though the tests write them long after."""
    monkeypatch.setattr("models.database.settling.SETTLE_US", 10 * HOUR)


def ids(jobs):
    return [job.id for job in jobs]


def three(account, *dues_in_s, state="scheduled", **columns):
    """Jobs in another order than that of their instants."""
    return [make_job(account, state, due_in_s, host="a.example", **columns) for due_in_s in dues_in_s]


def test_of_many_jobs_to_come_a_search_reads_the_soonest(account, monkeypatch):
    monkeypatch.setattr(coming_jobs, "LOOKED_AT", 1)
    _, soon, _ = three(account, 120, 60, 180)
    now = clock.now()
    assert ids(coming_jobs.waiting(account.id, A_HOST, now, now + HOUR, MINUTE).jobs) == [soon.id]


def test_of_many_jobs_that_a_search_finds_the_soonest_are_shown(account, monkeypatch):
    monkeypatch.setattr(coming_jobs, "SHOWN", 1)
    _, soon, _ = three(account, 120, 60, 180)
    now = clock.now()
    assert ids(coming_jobs.waiting(account.id, A_HOST, now, now + HOUR, MINUTE).jobs) == [soon.id]


def test_of_many_jobs_of_a_slice_the_soonest_is_shown(account, monkeypatch):
    monkeypatch.setattr(coming_jobs, "SHOWN", 1)
    _, soon, _ = three(account, 12, 6, 18)
    now = clock.now()
    assert ids(coming_jobs.waiting(account.id, ALL, now, now + HOUR, MINUTE).jobs) == [soon.id]


def test_of_many_jobs_of_a_schedule_the_soonest_are_shown(account, monkeypatch):
    monkeypatch.setattr(coming_jobs, "SHOWN", 1)
    key = make_schedule(account)
    _, soon, _ = three(account, 120, 60, 180, schedule_id=key)
    now = clock.now()
    chosen = ALL._replace(schedule=key)
    assert ids(coming_jobs.waiting(account.id, chosen, now + 1, now + HOUR, MINUTE).jobs) == [soon.id]


def test_of_many_overdue_jobs_the_first_due_are_shown(account, monkeypatch):
    monkeypatch.setattr(coming_jobs, "OVERDUE", 1)
    _, first, _ = three(account, -60, -120, -30)
    assert ids(coming_jobs.overdue(account.id, ALL, 0, clock.now()).jobs) == [first.id]


@pytest.mark.parametrize("state", ["executing", "available"])
def test_of_many_jobs_under_way_the_newest_are_shown(account, monkeypatch, state):
    monkeypatch.setattr(coming_jobs, "RUNNING", 1)
    now = clock.now()
    _, newest, _ = [make_job(account, state, inserted_at=now + each) for each in (2, 3, 1)]
    assert ids(coming_jobs.running(account.id, ALL).jobs) == [newest.id]


def test_jobs_that_are_sent_just_now_come_before_those_that_wait_for_a_worker(account):
    waiting, sent = make_job(account), make_job(account, "executing")
    assert ids(coming_jobs.running(account.id, ALL).jobs) == [sent.id, waiting.id]


def test_of_many_jobs_of_a_timeline_the_soonest_due_are_acted_on(account, monkeypatch):
    monkeypatch.setattr(active_jobs, "DUE", 1)
    _, soon, _ = three(account, 120, 60, 180)
    assert active_jobs.between(account.id, ALL, clock.now(), clock.now() + HOUR) == ((soon.id,), False)


def test_an_attempt_that_began_at_the_end_of_a_stretch_belongs_to_the_next(account):
    at_its_end, within = attempted_job(account, 60), attempted_job(account, 61)
    first, last = clock.now() - 120 * SECOND, clock.now() - 60 * SECOND
    assert active_jobs._attempted([at_its_end.id, within.id], first, last) == [within.id]
    assert active_jobs._attempted([at_its_end.id, within.id], last, clock.now()) == [at_its_end.id]


@pytest.mark.parametrize("by", ["schedule", "label"])
def test_of_many_jobs_with_attempts_the_newest_are_read(account, monkeypatch, by):
    monkeypatch.setattr(past_attempts, "NEWEST", 1)
    key, now = make_schedule(account), clock.now()
    _, newest, _ = [attempted_job(account, 60, schedule_id=key, inserted_at=now + each) for each in (2, 3, 1)]
    for job in Job.select().where(Job.state == "completed"):
        JobLabel.create(account_id=account.id, label="vip", inserted_at=job.inserted_at, job_id=job.id)
    chosen = ALL._replace(**{by: key if by == "schedule" else "vip"})

    past = past_attempts.read(account.id, chosen, 0, now + 1)

    assert ([row.job_id for row in past.attempts], past.is_whole) == ([newest.id], False)


def test_of_many_attempts_the_newest_are_read(account, monkeypatch):
    monkeypatch.setattr(past_attempts, "MOST", 1)
    job = attempted_job(account, 60)
    add_attempt(job, 20, number=2)
    add_attempt(job, 90, number=3)
    past = past_attempts.read(account.id, ALL, 0, clock.now() + 1)
    assert ([row.number for row in past.attempts], past.is_whole) == ([2], False)


def test_of_many_schedules_those_that_come_soonest_are_planned(account, monkeypatch):
    monkeypatch.setattr(planned_instants, "SCHEDULES", 1)
    frequency = json.dumps({"repeat_every": [10, "minutes"]})
    _, soon, _ = [make_schedule(account, frequency, first_in_s=in_s) for in_s in (600, 60, 900)]
    assert {each.schedule_id for each in planned_instants.ahead(account.id, clock.now() + HOUR)} == {soon}


def test_of_many_jobs_that_wait_the_first_due_and_the_oldest_are_counted(account, monkeypatch):
    monkeypatch.setattr(waiting_causes, "LOOKED_AT", 1)
    gate = gates.hold(account.id, FLOW, "shop", clock.now())
    three(account, -60, -30)
    make_job(account, "scheduled", -90, parked_by=gate.id)
    make_job(account, inserted_at=1, parked_by=gate.id)
    make_job(account)
    assert waiting_causes.counted(account.id, clock.now()) == {FLOW: 2}


def test_the_soonest_jobs_are_shown_as_those_that_come_next(account):
    later, soon, _ = three(account, 120, 60, 180)
    assert ids(overview.upcoming(account.id, 2)) == [soon.id, later.id]


def test_of_many_failed_jobs_the_newest_are_grouped(account, monkeypatch):
    monkeypatch.setattr(failures, "LOOKED_AT", failures.GROUPED)
    now = clock.now()
    _, newest, _ = [make_job(account, "discarded", inserted_at=now + each) for each in (2, 3, 1)]
    assert [group.ids for group in failures.grouped(account.id, most=1)] == [[newest.id]]


def test_of_many_failed_jobs_the_newest_count_as_failing_of_late(account, monkeypatch):
    monkeypatch.setattr(overview, "MANY", 1)
    now = clock.now()
    make_job(account, "discarded", inserted_at=now - 2, attempted_at=now)
    make_job(account, "discarded", inserted_at=now - 1, attempted_at=now - HOUR)
    assert overview.failing_of_late(account.id, now - MINUTE) == 0


def test_a_failed_job_is_grouped_by_its_latest_attempt(account):
    job = attempted_job(account, 60, "timeout", state="discarded", host="a.example")
    add_attempt(job, 30, "status_500", number=2)
    Job.update(attempt=2).execute()
    assert [(group.reason, group.ids) for group in failures.grouped(account.id)] == [("status_500", [job.id])]


def test_a_status_page_that_is_full_shows_what_fails_first_then_the_newest(account, monkeypatch):
    keys = [make_schedule(account) for _ in range(4)]
    for number, key in enumerate(keys):
        Schedule.update(inserted_at=number, failures=int(number == 1)).where(Schedule.id == key).execute()
    Schedule.update(disabled_at=1, failures=9).where(Schedule.id == keys[3]).execute()
    monkeypatch.setattr(status_pages, "AT_MOST", 3)
    assert [each.id for each in status_pages.shown_schedules(account.id)] == [keys[1], keys[2], keys[0]]


def an_incident(account):
    open_incident(make_alert(account).uuid)
    return Incident.select().order_by(Incident.id.desc()).get()


def test_the_last_incident_of_a_status_page_is_the_one_that_opened_last(account):
    for subject, opened_at in (("gate:1", 2), ("gate:2", 3), ("gate:3", 1)):
        Incident.update(opened_at=opened_at, subject=subject).where(Incident.id == an_incident(account).id).execute()
    assert status_pages.last_incident(account.id).opened_at == 3


def test_of_many_subjects_of_an_incident_those_that_last_are_shown_first(account, monkeypatch):
    monkeypatch.setattr(incident_store, "SUBJECTS_SHOWN", 2)
    incident = an_incident(account)
    of = {"incident_id": incident.id, "alert_id": incident.alert_id, "type": "failed", "began_at": 1}
    IncidentSubject.update(ended_at=1).execute()
    for number in range(2):
        IncidentSubject.create(subject=str(number), **of)
    assert [each.subject for each in incident_store.subjects_of(incident.id)] == ["0", "1"]


def test_of_many_notifications_of_an_incident_the_first_are_shown(account, monkeypatch):
    monkeypatch.setattr(incident_store, "NOTIFICATIONS_SHOWN", 1)
    incident = an_incident(account)
    for kind in ("opened", "repeated"):
        of = {"incident_id": incident.id, "way": "slack", "address": "", "job_id": 1, "inserted_at": 1}
        Notification.create(type=kind, **of)
    assert [each.type for each in incident_store.notifications_of(incident.id)] == ["opened"]


def test_of_many_incidents_the_first_due_are_sent_first(account, monkeypatch):
    monkeypatch.setattr(announcing, "AT_ONCE", 1)
    first, second = an_incident(account), an_incident(account)
    Incident.update(announce_at=clock.now() - 1).where(Incident.id == second.id).execute()
    Incident.update(announce_at=clock.now()).where(Incident.id == first.id).execute()
    assert announcing.announce(clock.now()) == 1
    assert [row.incident_id for row in Notification.select()] == [second.id]


def test_of_many_events_of_schedules_the_first_are_evaluated_first(account, monkeypatch):
    monkeypatch.setattr(evaluation, "AT_ONCE", 1)
    of = {"account_id": account.id, "type": FAILED, "number": 1, "at": 1}
    events = [HealthEvent.create(schedule_id=make_schedule(account), **of).id for _ in range(2)]
    assert evaluation.evaluate(clock.now()) == 1
    assert [event.id for event in HealthEvent.select()] == [events[1]]


def lost(account, lease_until, **columns):
    return make_job(
        account, "executing", attempt=1, claim_id=lease_until, lease_until=lease_until, attempted_at=1, **columns
    )


@pytest.mark.parametrize("verb", ["rescue", "discard_lost"])
def test_of_many_lost_jobs_those_that_were_silent_longest_are_taken_first(account, monkeypatch, verb):
    monkeypatch.setattr(lifecycle, "RESCUED_AT_ONCE", 1)
    _, longest, _ = [lost(account, each, max_attempts=1 if verb == "discard_lost" else 5) for each in (2, 1, 3)]
    assert ids(getattr(lifecycle, verb)(clock.now())) == [longest.id]


def test_of_many_cancelled_jobs_the_longest_silent_end_first(account, monkeypatch):
    monkeypatch.setattr(lifecycle, "RESCUED_AT_ONCE", 1)
    jobs = [lost(account, each) for each in (2, 1)]
    Job.update(state="cancelled", cancelled_at=1).execute()
    assert ids(lifecycle.end_cancelled(clock.now())) == [jobs[1].id]


def test_claims_whose_leases_end_later_go_on_though_their_jobs_were_cancelled(account):
    now = clock.now()
    jobs = [lost(account, now - age) for age in (2, 1)]
    Job.update(state="cancelled", cancelled_at=1).execute()
    assert ids(lifecycle.end_cancelled(now, leases_until=now - 2)) == [jobs[0].id]


def test_the_hosts_of_the_latest_jobs_are_named_the_latest_first(account):
    for host in ("b.example", "a.example", "c.example", "b.example", ""):
        make_job(account, host=host)
    assert database_figures.recent_hosts(2) == ["b.example", "c.example"]


def test_of_many_schedules_those_that_were_due_first_are_planned_first(account):
    later, first = make_schedule(account, first_in_s=-5), make_schedule(account, first_in_s=-10)
    planning.plan(clock.now(), 1)
    assert Schedule.get_by_id(first).next_at > clock.now() > Schedule.get_by_id(later).next_at


def test_of_many_jobs_that_can_not_begin_those_that_expired_first_are_cancelled_first(account):
    later, first = create_schedule(account), create_schedule(account)
    for schedule, start_by in ((later, 2), (first, 1)):
        Job.update(start_by=start_by).where(Job.schedule_id == schedule.id).execute()
    assert misfire.expire(clock.now(), 1) == 1
    assert Job.get(Job.state == "cancelled").schedule_id == first.id


def test_of_many_gates_those_that_were_woken_first_are_looked_at_first(account):
    parked = {}
    for key, wake_at in (("late", 2), ("early", 1)):
        ids_of_one = order(account, flow(key, concurrency=1), count=2)
        let_through(ids_of_one)
        parked[key] = ids_of_one[1]
        gates.wake([gate_of(FLOW, key).id], wake_at)
        Job.update(state="completed", claim_id=None, lease_until=None).where(Job.id == ids_of_one[0]).execute()
    gates_looked_at = parking._take_awake(0, clock.now(), 1)
    assert [gate.key for gate in gates_looked_at] == ["early"]


def test_of_many_acknowledged_attempts_the_first_acknowledged_end_first(account, monkeypatch, moved_clock):
    monkeypatch.setattr(acks, "AT_ONCE", 1)
    later, first = acked.waiting(account), acked.waiting(account)
    for claim in (first, later):
        acked.acknowledge(claim)
        moved_clock.advance(seconds=1)
    assert [each.job.id for each in acks.ready()] == [first.id]


def test_of_many_attempts_that_were_not_acknowledged_the_first_overdue_end_first(account, monkeypatch):
    monkeypatch.setattr(acks, "AT_ONCE", 1)
    later, first = acked.waiting(account), acked.waiting(account)
    Job.update(lease_until=2).where(Job.id == later.id).execute()
    Job.update(lease_until=1).where(Job.id == first.id).execute()
    assert ids(acks.overdue(0, clock.now())) == [first.id]


def test_of_many_requests_of_a_listener_those_whose_time_was_over_first_end_first(account, monkeypatch, moved_clock):
    monkeypatch.setattr(open_requests, "AT_ONCE", 1)
    later = listeners.waiting(account, timeout_ms=20_000)
    first = listeners.waiting(account, timeout_ms=10_000)
    moved_clock.advance(seconds=30)
    assert [each.job.id for each in open_requests.lock_over(clock.now()) if each.job] == [first.id]
    Job.update(state="cancelled").where(Job.id.in_([later.id, first.id])).execute()
    assert [job.id for _, job in open_requests.lock_withdrawn()] == [first.id]


def test_the_rules_of_an_account_are_listed_with_their_own_targets_oldest_first(account):
    for name in ("b", "a"):
        make_alert(account, name=name, to=[("webhook", f"https://{name}.example/")])
    rules = alert_store.listed(account.id)
    assert [(rule.name, [each.shown for each in rule.targets]) for rule in rules] == [
        ("b", ["https://b.example/"]),
        ("a", ["https://a.example/"]),
    ]


FIRST = {
    "a job that has not begun": (misfire.first_expired, lambda account, at: make_job(account, start_by=at), False),
    "a due schedule": (planning.first_due, lambda account, at: a_schedule_due_at(account, at), True),
    "a due job": (staging.first_due, lambda account, at: make_job(account, "scheduled", at / SECOND), True),
    "a lost job": (lifecycle.first_lost, lambda account, at: lost(account, at), True),
    "a gate to look at": (parking.first_awake, lambda account, at: a_gate_awake_at(account, at), True),
}


def a_schedule_due_at(account, at):
    Schedule.update(next_at=at).where(Schedule.id == make_schedule(account)).execute()


def a_gate_awake_at(account, at):
    Gate.update(wake_at=at).where(Gate.id == gates.hold(account.id, FLOW, str(at), clock.now()).id).execute()


@pytest.mark.parametrize("what", FIRST)
def test_the_first_of_a_span_is_the_earliest_in_it(account, monkeypatch, what):
    find, make, is_last_in = FIRST[what]
    monkeypatch.setattr(clock, "source", lambda: 0)
    for at in (50, 30, 90):
        make(account, at)
    assert [find(30, 91), find(31, 91), find(51, 89)] == [30, 50, None]
    assert find(31, 50) == (50 if is_last_in else None)
