"""Each trouble of Booper itself is sent once when it has lasted, and once when it is over; what is usual is not."""

import pytest

from models.alerts import announcing, polling
from models.alerts.alert_tables import Notification
from models.jobs import job_store
from models.jobs.job_kinds import ALERT
from models.jobs.job_store import NewJob
from models.jobs.job_tables import Job
from models.operations import heartbeats
from models.operations.operator_alerts import troubles
from models.rules import clock
from models.rules.clock import SECOND
from tests.support.alerts import incidents, make_alert, open_incident
from tests.support.installations import worker
from tests.support.schedule_rows import create_schedule

LONG_S = 1000  # longer than any trouble has to last


def test_an_installation_that_is_well_sends_nothing(installation, watch):
    assert installation.go_on(LONG_S, watch) == []


@pytest.mark.parametrize(
    ("part", "trouble", "within_s"),
    [("ticker", "ticker", 60), ("worker", "senders", 60), ("broker", "broker", 60), ("probes", "broker", 120)],
)
def test_what_stops_is_sent_once_and_its_return_too(installation, watch, part, trouble, within_s):
    installation.well.remove(part)

    assert installation.go_on(within_s - 10, watch) == []
    assert installation.go_on(40, watch) == [("opened", trouble)]
    assert installation.go_on(LONG_S, watch) == []
    installation.well.add(part)
    assert installation.go_on(120, watch) == [("closed", trouble)]


def test_a_process_that_started_takes_the_place_of_one_that_fell_silent(moved_clock):
    now = clock.now()
    silent = [worker(str(pid), now - clock.HOUR, now - clock.MINUTE)._replace(pid=pid) for pid in (1, 2)]
    later = [worker(name, now - 10, now) for name in ("third", "fourth")]

    def lost(alive):
        return [trouble.detail for trouble in troubles._workers([*silent, *alive], alive)]

    assert lost([]) == ["silent, and not replaced: host (process 1), host (process 2)"]
    assert lost(later[:1]) == ["silent, and not replaced: host (process 2)"]
    assert lost(later) == []


@pytest.mark.parametrize("part", ["ticker", "worker", "broker", "probes"])
def test_a_part_that_is_back_within_a_minute_sends_nothing(installation, watch, part):
    installation.well.remove(part)
    installation.go_on(50, watch)
    installation.well.add(part)
    assert installation.go_on(600, watch) == []


def test_a_silent_ticker_is_not_taken_for_a_broker_that_is_gone(installation, watch):
    installation.well -= {"ticker", "broker", "probes"}
    assert installation.go_on(600, watch) == [("opened", "ticker")]


def test_a_process_that_fell_silent_is_sent_until_one_takes_its_place(installation, watch):
    heartbeats.record_heartbeat(worker("b", clock.now(), clock.now()))

    assert installation.go_on(90, watch) == [("opened", "worker")]
    assert "host (process 7)" in installation.last.incidents[0].detail
    installation.well.add("c")
    heartbeats.record_heartbeat(worker("c", clock.now(), clock.now() + 3600 * SECOND))
    assert installation.go_on(20, watch) == [("closed", "worker")]


def test_processes_that_fell_silent_together_are_named_in_one_order(installation, watch):
    now = clock.now()
    for name in "hgfedcb":
        heartbeats.record_heartbeat(worker(name, now, now)._replace(host=f"host-{name}"))

    assert installation.go_on(90, watch) == [("opened", "worker")]
    assert "host-b (process 7), host-c (process 7), host-d (process 7)" in installation.last.incidents[0].detail


def test_a_process_that_was_started_again_is_not_silent(installation, watch):
    heartbeats.record_heartbeat(worker("b", clock.now(), clock.now()))
    installation.go_on(10, watch)
    heartbeats.record_heartbeat(worker("c", clock.now(), clock.now() + 3600 * SECOND))
    assert installation.go_on(600, watch) == []


def test_a_process_that_stopped_in_order_is_not_silent(installation, watch):
    heartbeats.record_heartbeat(worker("b", clock.now(), clock.now()))
    installation.go_on(10, watch)
    heartbeats.remove_worker("b")
    assert installation.go_on(600, watch) == []


def due_job(account, **fields):
    return job_store.create_many([NewJob(account.id, "{}", None, None, clock.now(), **fields)], clock.now())[0]


def test_a_job_that_waits_too_long_is_sent_until_it_goes(installation, watch, account):
    due_job(account)

    assert installation.go_on(290, watch) == []
    assert installation.go_on(30, watch) == [("opened", "backlog")]
    assert "1 job is due" in installation.last.incidents[0].detail
    Job.update(state="executing").execute()
    assert installation.go_on(20, watch) == [("closed", "backlog")]


def test_a_job_may_wait_as_long_as_the_operator_allows(installation, account):
    watch = installation.watch(BOOPER_OPERATOR_BACKLOG_SECONDS="600")
    due_job(account)
    assert installation.go_on(590, watch) == []
    assert installation.go_on(60, watch) == [("opened", "backlog")]


def test_a_job_that_is_not_due_is_no_backlog(installation, watch, account):
    create_schedule(account, {"name": "backup", "host": "db.example"})
    Job.update(scheduled_at=clock.now() + 7200 * SECOND).execute()
    assert installation.go_on(LONG_S, watch) == []


def mail_that_waits(account, state="retryable", completed_at=None):
    job = due_job(account, kind=ALERT)
    Job.update(state=state, completed_at=completed_at, scheduled_at=clock.now() + 7200 * SECOND).execute()
    Notification.create(
        incident_id=1, type="opened", way="email", address="a@b.example", job_id=job.id, inserted_at=clock.now()
    )


def test_mail_that_waits_while_none_goes_out_is_sent(installation, account):
    watch = installation.watch(BOOPER_SMTP_URL="smtp://mail.example")
    installation.go_on(20, watch)
    mail_that_waits(account)

    assert installation.go_on(890, watch) == []
    assert installation.go_on(60, watch) == [("opened", "mail")]
    Job.update(state="completed", completed_at=clock.now()).execute()
    assert installation.go_on(20, watch) == [("closed", "mail")]


def test_mail_to_a_mailbox_that_refuses_is_not_the_operators(installation, account):
    watch = installation.watch(BOOPER_SMTP_URL="smtp://mail.example")
    mail_that_waits(account)
    taken = due_job(account, kind=ALERT)
    Notification.create(
        incident_id=1, type="opened", way="email", address="c@d.example", job_id=taken.id, inserted_at=clock.now()
    )
    for _ in range(3):  # twice as long as mail may wait
        Job.update(state="completed", completed_at=clock.now()).where(Job.id == taken.id).execute()
        assert installation.go_on(600, watch) == []


def test_without_a_mail_server_no_mail_is_looked_for(installation, watch, account):
    mail_that_waits(account)
    assert installation.go_on(LONG_S, watch) == []


def test_a_disk_that_is_nearly_full_is_sent_at_once(installation, tmp_path, monkeypatch):
    installation.environ = {"BOOPER_DATABASE_URL": f"sqlite:///{tmp_path}/x.db"}
    watch = installation.watch()
    installation.go_on(20, watch)
    monkeypatch.setattr(troubles, "LITTLE_ROOM", 1 << 62)

    assert installation.go_on(20, watch) == [("opened", "disk")]
    monkeypatch.setattr(troubles, "LITTLE_ROOM", 0)
    assert installation.go_on(20, watch) == [("closed", "disk")]


def test_the_disk_of_postgresql_is_not_looked_at(installation, monkeypatch):
    watch = installation.watch(BOOPER_DATABASE_URL="postgresql://h/n")
    monkeypatch.setattr(troubles, "LITTLE_ROOM", 1 << 62)
    assert installation.go_on(120, watch) == []


def test_while_held_only_what_still_works_is_looked_at(installation, account):
    watch = installation.watch(BOOPER_HOLD="on")
    due_job(account)
    installation.well = {"ticker"}
    assert installation.go_on(LONG_S, watch) == []
    installation.well = set()
    assert installation.go_on(120, watch) == [("opened", "ticker")]


def test_the_ticker_leaves_incidents_of_booper_alone(installation, watch):
    """It looks for schedules that are gone, and sends what is due of rules."""
    installation.well.remove("ticker")
    installation.refusing = {"slack"}
    installation.go_on(120, watch)

    polling.poll_silence(clock.now())
    announcing.announce(clock.now())

    installation.refusing = set()
    assert installation.go_on(20, watch) == [("opened", "ticker")]
    assert Notification.select().count() == 0


def test_the_watch_leaves_incidents_of_accounts_alone(installation, watch, account):
    rule = make_alert(account)
    open_incident(rule.uuid)
    assert installation.go_on(120, watch) == []
    assert incidents() == [("failed", "backup", True)]
