"""What the leading ticker does, as it is put together: what was left is seen to in its time, and no sooner."""

import json
import threading

import pytest

from models.accounts import session_store
from models.alerts.alert_tables import Incident, IncidentSubject, Notification
from models.database.connection import close_all
from models.database.ids import new_id
from models.database.sql import execute, fetch
from models.database.transactions import BRIEFLY_MS
from models.flows import gates, minutes
from models.flows.gate_tables import Gate
from models.jobs import idempotent_requests, lifecycle
from models.jobs.job_tables import DedupWindow, Job
from models.operations import acks, heartbeats, operation_store
from models.operations.heartbeat_tables import Ticker as TickerRow
from models.operations.heartbeats import MinuteRow, WorkerRow
from models.operations.ticker_row import record_delivered
from models.rules import clock
from models.rules.limits import FLOW
from models.schedules.backfills import backfill_store
from models.schedules.calendars import calendar_changes, moving
from models.schedules.schedule_tables import Calendar, Firing, Schedule
from models.webhooks import endpoints
from runtime.metrics import REGISTRY, set_backlog, set_parked, set_parked_age, set_staged
from runtime.settings import load
from tests.support.acks import acknowledge
from tests.support.acks import waiting as waiting_for_its_target
from tests.support.alerts import fail_due, incidents, make_alert, open_incident
from tests.support.flows import flow, let_through, order
from tests.support.leads import Lead
from tests.support.listeners import waiting
from tests.support.operations import order_operation
from tests.support.rows import make_job, reread
from tests.support.schedule_rows import create_schedule, make_schedule, run_ticker
from workers.assembly import make_ticker
from workers.ticker import bulk_turns, front, throttle

A_MOMENT_S = 0.01


@pytest.fixture
def make(messages, monkeypatch):
    """Makes the ticker of these settings, which leads."""
    for module in (throttle, bulk_turns):
        monkeypatch.setattr(module, "REST_TIMES", 0)  # a rest lasts as long as the machine takes for a step

    def make_with(**environ):
        settings = load({f"BOOPER_{name}": value for name, value in environ.items()})
        return make_ticker(settings, messages, Lead(), lambda: None)

    return make_with


def no_sign_of_life(account, messages):
    execute("UPDATE ticker SET seen_at = 0")
    return lambda: TickerRow.get().seen_at == clock.now()


def a_job_that_can_not_begin_any_more(account, messages):
    create_schedule(account)
    Job.update(start_by=clock.now() - 1).execute()
    return lambda: Job.select().where(Job.state == "cancelled").count() == 1


def a_schedule_that_a_changed_calendar_has_not_moved(account, messages):
    calendar_changes.put(account.id, "rest", [], clock.now())
    frequency = json.dumps({"repeat_every": [1, "hour"], "exclude": {"calendars": ["rest"]}})
    schedule_id = make_schedule(account, frequency, first_in_s=3600)
    Calendar.update(moved_to=moving.NONE_YET, days='["2026-01-01"]').execute()
    before = Schedule.get_by_id(schedule_id).next_at
    return lambda: Schedule.get_by_id(schedule_id).next_at > before


def a_schedule_without_its_next_job(account, messages):
    create_schedule(account)
    return lambda: Job.select().count() == 2


def a_job_whose_holder_fell_silent(account, messages):
    job = make_job(account, timeout_ms=0)
    lifecycle.claim([job.id], clock.now(), -clock.SECOND)
    return lambda: reread(job).state == "available"


def a_job_whose_message_was_lost(account, messages):
    job = make_job(account, staged_at=clock.now() - 11 * clock.SECOND)
    record_delivered(clock.now())
    return lambda: messages.named == [job.id]


def a_job_that_waits_long_in_the_queue(account, messages):
    make_job(account, staged_at=clock.now() - 6 * clock.SECOND)
    return a_worker_that_may_be_gone(account, messages)


def a_worker_that_may_be_gone(account, messages):
    before = len(messages.probes)
    return lambda: len(messages.probes) == before + 1


def an_event_whose_turn_has_come(account, messages):
    before = make_job(account, "completed", kind="event", attempt=1)
    held_until = clock.now() + clock.DAY
    event = make_job(account, kind="event", parent_id=before.id, after_uuid=before.uuid, held_until=held_until)
    return lambda: reread(event).held_until is None and messages.named == [event.id]


def an_event_of_a_deleted_endpoint(account, messages):
    endpoint = endpoints.create(account.id, "https://hooks.example/", None, True, clock.now())
    endpoints.delete(account.id, endpoint.uuid, clock.now())
    event = make_job(account, kind="event", endpoint_id=endpoint.id)
    return lambda: reread(event).state == "cancelled"


def a_job_older_than_it_is_kept(account, messages):
    at = clock.now() - 31 * clock.DAY
    make_job(account, "completed", inserted_at=at, completed_at=at)
    return lambda: Job.select().count() == 0


def an_answer_older_than_it_is_kept(account, messages):
    idempotent_requests.respond_once(account.id, "key", "f", clock.now() - clock.DAY, lambda: (201, "{}"))
    return lambda: fetch("SELECT count(*) FROM idempotent_request") == [(0,)]


def a_window_that_has_expired(account, messages):
    DedupWindow.create(account_id=account.id, digest="d", job_uuid=new_id(), expires_at=clock.now())
    return lambda: DedupWindow.select().count() == 0


def a_run_older_than_it_is_kept(account, messages):
    Firing.create(schedule_id=new_id(), fire_at=1, status="fired", decided_at=clock.now() - 31 * clock.DAY)
    return lambda: Firing.select().count() == 0


def an_incident_older_than_it_is_kept(account, messages):
    incident = Incident.get(Incident.uuid == open_incident(make_alert(account).uuid))
    Incident.update(closed_at=clock.now() - 31 * clock.DAY, announce_at=None).execute()
    Notification.create(
        incident_id=incident.id, type="opened", way="slack", address="x", job_id=1, inserted_at=clock.now()
    )
    rows = (Incident, IncidentSubject, Notification)
    return lambda: [table.select().count() for table in rows] == [0, 0, 0]


def a_session_that_is_over_by_itself(account, messages):
    session_store.end("token", clock.now() - 1)
    return lambda: not session_store.has_ended("token")


def heartbeats_to_answer(account, messages):
    answered = []
    messages.keep_alive = lambda: answered.append(1)
    return lambda: answered == [1]


def depths_to_measure(account, messages):
    execute("DELETE FROM queue_depth")
    return lambda: heartbeats.depths() is not None


def a_process_long_silent(account, messages):
    long_ago = clock.now() - 2 * clock.DAY
    heartbeats.record_heartbeat(WorkerRow(new_id(), "host", 1, "0.1", 8, 0, long_ago, long_ago))
    return lambda: heartbeats.workers() == []


def a_minute_long_past(account, messages):
    heartbeats.record_minutes([MinuteRow(account.id, clock.now() - 9 * clock.DAY, new_id(), 1, 0, "[]")])
    return lambda: fetch("SELECT count(*) FROM minute_stat") == [(0,)]


def a_backlog_to_measure(account, messages):
    set_backlog(0, 0)
    make_job(account, due_in_s=-60)
    return lambda: REGISTRY.get_sample_value("booper_backlog_jobs") == 1


def jobs_at_a_gate(account):
    first, second = order(account, flow(concurrency=1), count=2)
    [claimed] = let_through([first, second])
    return claimed


def a_gate_that_nobody_woke(account, messages):
    lifecycle.complete([jobs_at_a_gate(account)], clock.now())
    return lambda: len(messages.named) == 1


def a_failure_that_nobody_was_notified_of(account, messages):
    make_alert(account)
    create_schedule(account, {"name": "backup"})
    fail_due()
    return lambda: incidents() == [("failed", "backup", True)]


def a_request_that_runs_long(account, messages):
    make_alert(account, on=("long",), long_after_us=clock.MINUTE)
    create_schedule(account, {"name": "backup"})
    [job] = run_ticker()
    Job.update(attempted_at=clock.now() - clock.MINUTE).where(Job.id == job.id).execute()
    return lambda: incidents() == [("long", "backup", True)]


def a_schedule_that_is_silent(account, messages):
    make_alert(account, on=("silent",), silent_after_us=clock.MINUTE)
    create_schedule(account, {"name": "backup"})
    Schedule.update(enabled_at=clock.now() - clock.MINUTE).execute()
    return lambda: incidents() == [("silent", "backup", True)]


def a_past_instant_to_make_up_for(account, messages):
    schedule_id = make_schedule(account, '{"cron":"0 * * * *"}', 3600)
    now = clock.now()
    backfill_store.create(account.id, schedule_id, now - clock.HOUR, now, now)
    return lambda: Job.select().where(Job.fire_at <= now).count() == 1


def an_attempt_that_its_target_has_acknowledged(account, messages):
    claim = waiting_for_its_target(account)
    acknowledge(claim)
    return lambda: reread(claim).state == "completed"


def an_acknowledgement_older_than_it_is_kept(account, messages):
    acknowledge(waiting_for_its_target(account))
    execute("UPDATE ack SET settled_at = 0, received_at = %s", (clock.now() - acks.KEPT_US - 1,))
    return lambda: fetch("SELECT count(*) FROM ack") == [(0,)]


def a_backfill_that_ended_long_ago(account, messages):
    schedule_id = make_schedule(account, '{"cron":"0 * * * *"}', 3600)
    now = clock.now()
    backfill_store.create(account.id, schedule_id, now - clock.HOUR, now, now)
    execute("UPDATE backfill SET state = 'done', ended_at = %s", (now - backfill_store.KEPT_US - 1,))
    return lambda: fetch("SELECT count(*) FROM backfill") == [(0,)]


def a_count_of_a_flow_long_past(account, messages):
    gate = gates.ensure(account.id, FLOW, "shop", clock.now())
    minutes.add({gate.id: [1]}, clock.now() - minutes.KEPT_US - clock.MINUTE)
    return lambda: fetch("SELECT count(*) FROM flow_minute") == [(0,)]


def a_flapping_incident_that_stayed_calm(account, messages):
    open_incident(make_alert(account).uuid)
    IncidentSubject.update(ended_at=clock.now() - clock.HOUR).execute()
    Incident.update(is_flapping=1, closes_at=clock.now() - 1).execute()
    return lambda: Incident.get().closed_at is not None


def jobs_at_a_gate_to_count(account, messages):
    set_parked({FLOW: 0})
    jobs_at_a_gate(account)
    return lambda: REGISTRY.get_sample_value("booper_parked_jobs", {"gate": FLOW}) == 1


def a_job_that_waits_at_a_gate(account, messages):
    set_parked_age(0)
    jobs_at_a_gate(account)
    return lambda: REGISTRY.get_sample_value("booper_parked_oldest_age_seconds") > 0


def a_gate_that_nobody_uses(account, messages):
    gates.ensure(account.id, FLOW, "shop", clock.now() - 8 * clock.DAY)
    return lambda: Gate.select().count() == 0


def an_operation_to_work_off(account, messages):
    job = make_job(account, "scheduled", 3600)
    order_operation(account)
    return lambda: reread(job).state == "cancelled"


def an_operation_that_ended_long_ago(account, messages):
    operation = order_operation(account)
    operation_store.cancel(account.id, operation.uuid, clock.now() - operation_store.KEPT_US - 1)
    return lambda: fetch("SELECT count(*) FROM operation") == [(0,)]


def a_due_job(account, messages):
    job = make_job(account)
    return lambda: messages.named == [job.id]


def no_round_of_the_stager(account, messages):
    set_staged(0)
    sample = "booper_stager_last_round_timestamp_seconds"
    return lambda: REGISTRY.get_sample_value(sample) == clock.now() / clock.SECOND


def a_request_that_no_listener_took_in_time(account, messages):
    claim = waiting(account, timeout_ms=0, max_attempts=1)
    return lambda: reread(claim).state == "discarded"


def a_request_of_a_listener_that_ended_long_ago(account, messages):
    waiting(account)
    execute("UPDATE listener_request SET ended_at = 1")
    return lambda: not fetch("SELECT 1 FROM listener_request")


DUTIES = [
    (a_due_job, 0),
    (no_round_of_the_stager, 0),
    (a_schedule_without_its_next_job, 0.05),
    (a_request_that_no_listener_took_in_time, 0.2),
    (an_operation_to_work_off, 0.25),
    (a_past_instant_to_make_up_for, 0.25),
    (an_attempt_that_its_target_has_acknowledged, 0.25),
    (a_schedule_that_a_changed_calendar_has_not_moved, 0.25),
    (a_request_of_a_listener_that_ended_long_ago, 60),
    (an_event_of_a_deleted_endpoint, 0.5),
    (a_flapping_incident_that_stayed_calm, 0.5),
    (a_failure_that_nobody_was_notified_of, 0.5),
    (a_request_that_runs_long, 10),
    (a_schedule_that_is_silent, 60),
    (no_sign_of_life, 1),
    (a_job_that_can_not_begin_any_more, 1),
    (a_job_whose_holder_fell_silent, 1),
    (a_window_that_has_expired, 1),
    (an_acknowledgement_older_than_it_is_kept, 1),
    (a_run_older_than_it_is_kept, 1),
    (an_incident_older_than_it_is_kept, 1),
    (a_session_that_is_over_by_itself, 1),
    (a_job_whose_message_was_lost, 2),
    (a_gate_that_nobody_woke, 2),
    (jobs_at_a_gate_to_count, 5),
    (a_job_that_waits_at_a_gate, 60),
    (a_gate_that_nobody_uses, 60),
    (a_job_that_waits_long_in_the_queue, 2),
    (a_worker_that_may_be_gone, 5),
    (an_event_whose_turn_has_come, 5),
    (heartbeats_to_answer, 5),
    (depths_to_measure, 5),
    (a_backlog_to_measure, 5),
    (an_answer_older_than_it_is_kept, 10),
    (an_operation_that_ended_long_ago, 60),
    (a_backfill_that_ended_long_ago, 60),
    (a_count_of_a_flow_long_past, 60),
    (a_process_long_silent, 60),
    (a_minute_long_past, 60),
    (a_job_older_than_it_is_kept, 600),
]


@pytest.mark.parametrize(("leave", "after_s"), DUTIES, ids=[leave.__name__ for leave, _ in DUTIES])
def test_what_was_left_behind_is_seen_to_in_its_time(account, moved_clock, messages, make, leave, after_s):
    ticker = make()
    ticker.tick(clock.now(), 0.0)
    is_seen_to = leave(account, messages)

    if after_s:
        moved_clock.advance(seconds=after_s - A_MOMENT_S)
        ticker.tick(clock.now(), after_s - A_MOMENT_S)
        assert not is_seen_to()
    moved_clock.advance(seconds=A_MOMENT_S)
    ticker.tick(clock.now(), after_s)

    assert is_seen_to()


def test_a_job_that_comes_back_is_staged_at_once_however_seldom_the_whole_table_is_searched(
    account, moved_clock, messages, make, monkeypatch
):
    """Between two searches of the whole table the stager looks at the last seconds alone."""
    monkeypatch.setattr(front, "QUICK_US", -1)
    monkeypatch.setattr(front, "REST_TIMES", 10**9)
    ticker = make()
    ticker.tick(clock.now(), 0.0)
    job = make_job(account, due_in_s=-60, timeout_ms=0)
    lifecycle.claim([job.id], clock.now(), -clock.SECOND)

    moved_clock.advance(seconds=1)
    ticker.tick(clock.now(), 1.0)

    assert messages.named == [job.id]


def leave_old(account, kept, days):
    """A row that came to its end so many days ago; returns what counts it."""
    at = clock.now() - int(days * clock.DAY)
    if kept == "incidents":
        open_incident(make_alert(account).uuid)
        Incident.update(closed_at=at, announce_at=None).execute()
        return Incident.select().count
    if kept == "runs":
        Firing.create(schedule_id=new_id(), fire_at=at, status="fired", decided_at=at)
        return Firing.select().count
    make_job(account, kept, inserted_at=at, **{f"{kept}_at": at})
    return Job.select().count


@pytest.mark.parametrize("kept", ["completed", "discarded", "cancelled", "runs", "incidents"])
@pytest.mark.parametrize(("setting", "left"), [("0", 1), ("40", 1), ("39", 0)])
def test_what_has_ended_is_kept_for_as_many_days_as_its_setting_says(account, moved_clock, make, kept, setting, left):
    """Nought days keep it for ever: all runs of all schedules once went within seconds."""
    count = leave_old(account, kept, days=39.5)
    ticker = make(**{f"KEEP_{'RUNS' if kept == 'incidents' else kept.upper()}_DAYS": setting})

    for second in range(3):
        ticker.tick(clock.now(), float(second))

    assert count() == left


@pytest.mark.parametrize(("due_in_s", "is_staged"), [(30, True), (30.1, False)])
def test_a_job_is_handed_over_as_long_before_its_time_as_the_setting_says(
    account, moved_clock, messages, make, due_in_s, is_staged
):
    make_job(account, "scheduled", due_in_s=due_in_s)
    make(LOOK_AHEAD_SECONDS="30").tick(clock.now(), 0.0)
    assert bool(messages.named) is is_staged


def test_the_queue_holds_no_more_due_jobs_than_the_setting_says(account, moved_clock, messages, make):
    for _ in range(110):
        make_job(account, due_in_s=-60)
    ticker = make(QUEUE_BOUND="100")
    for second in range(3):
        ticker.tick(clock.now(), float(second))
    assert len(messages.named) == 100


class AskingLead(Lead):
    """Asks how long the ticker's connection waits for a lock, and stops the ticker."""

    def __init__(self, stop):
        super().__init__()
        self.stop = stop
        self.limit = None

    def hold(self):
        self.limit = fetch("SHOW lock_timeout")[0][0]
        self.stop.set()
        return False


def test_a_row_that_somebody_has_locked_holds_the_ticker_up_only_briefly(db, messages):
    if db == "sqlite":
        pytest.skip("SQLite has no locks on rows")
    stop = threading.Event()
    lead = AskingLead(stop)
    ticker = make_ticker(load({}), messages, lead, lambda: None)

    thread = threading.Thread(target=ticker.tick_until, args=(stop,))
    thread.start()
    thread.join(20)

    assert lead.limit == f"{BRIEFLY_MS // 1000}s"


def test_no_other_thread_gets_the_connection_that_waits_only_briefly(db, messages):
    """In embedded mode requests to the API would have given up on a lock after two seconds instead of eight."""
    if db == "sqlite":
        pytest.skip("SQLite has no locks on rows")
    stop = threading.Event()
    lead = AskingLead(stop)
    close_all()

    thread = threading.Thread(target=make_ticker(load({}), messages, lead, lambda: None).tick_until, args=(stop,))
    thread.start()
    thread.join(20)

    assert fetch("SHOW lock_timeout") == [("8s",)]
