"""From the table to the queue: near before far, bounded, nothing lost, nothing published twice for waiting."""

from collections import Counter

import pytest
from dramatiq.errors import BrokerError

from models.flows import gates
from models.jobs import lifecycle, staging
from models.jobs.job_tables import Job
from models.operations.ticker_row import record_delivered
from models.rules import clock
from models.rules.limits import FLOW
from tests.support.flows import flow, gate_of, order
from tests.support.rows import make_job, make_jobs, reread
from workers.ticker.front import Front
from workers.ticker.stager import LOST_AFTER_US, Stager

LOOK_AHEAD = 10 * clock.SECOND


@pytest.fixture
def stager(account, moved_clock, messages):
    return Stager(messages, LOOK_AHEAD, bound=300)


def test_due_jobs_go_out_in_messages_of_a_hundred(stager, account, messages):
    ids = make_jobs(account, [-number for number in range(150)])
    assert stager.stage_due(clock.now()) == 150
    assert [len(named) for named, _ in messages.delivers] == [100, 50]
    assert sorted(messages.named) == ids


def test_no_message_names_follow_ups_beside_requests(stager, account, messages):
    events, requests = [], []
    for number in range(3):
        events.append(make_job(account, due_in_s=-number, kind="event").id)
        requests.append(make_job(account, due_in_s=-number).id)
    stager.stage_due(clock.now())
    assert [sorted(named) for named, _ in messages.delivers] == [requests, events]


def test_a_job_beyond_the_look_ahead_stays_in_the_table(stager, account, messages):
    far = make_job(account, "scheduled", due_in_s=10.1)
    near = make_job(account, "scheduled", due_in_s=9.9)
    stager.stage_due(clock.now())
    assert messages.named == [near.id]
    assert reread(far).staged_at is None


def test_early_jobs_share_a_message_only_within_five_milliseconds(stager, account, messages):
    first, second = make_job(account, "scheduled", due_in_s=2), make_job(account, "scheduled", due_in_s=2.005)
    third = make_job(account, "scheduled", due_in_s=2.006)
    stager.stage_due(clock.now())
    assert messages.delivers == [([first.id, second.id], second.scheduled_at), ([third.id], third.scheduled_at)]


def test_follow_ups_gather_for_a_tenth_of_a_second_after_one_went(stager, account, messages, moved_clock):
    """Each by a message of its own cost three milliseconds of CPU."""
    first = make_job(account, kind="event")
    stager.stage_due(clock.now())
    assert messages.named == [first.id]

    moved_clock.advance(seconds=0.05)
    second, request = make_job(account, kind="event"), make_job(account)
    put_off = make_job(account, kind="callback", held_until=clock.now() + clock.SECOND)
    stager.stage_due(clock.now())
    assert messages.named == [first.id, request.id]

    moved_clock.advance(seconds=0.05)
    stager.stage_due(clock.now())
    assert sorted(messages.named) == [first.id, second.id, request.id, put_off.id]


def test_follow_ups_that_stand_before_requests_do_not_gather(stager, account, messages):
    make_jobs(account, [-10] * 601, kind="event")
    for named in (300, 600, 600):
        stager.stage_due(clock.now())
        assert len(messages.named) == named
        lifecycle.claim(messages.named, clock.now(), 0)


def test_follow_ups_go_although_the_clock_was_set_back(stager, account, messages, moved_clock):
    make_job(account, kind="event")
    stager.stage_due(clock.now())
    moved_clock.advance(hours=-1)
    late = make_job(account, kind="event")
    stager.stage_due(clock.now())
    assert messages.named[-1] == late.id


def test_early_follow_ups_share_a_message_within_a_tenth_of_a_second(stager, account, messages):
    events = [make_job(account, "scheduled", due_in_s=2 + later, kind="event") for later in (0, 0.1, 0.101)]
    stager.stage_due(clock.now())
    assert [named for named, _ in messages.delivers] == [[events[0].id, events[1].id], [events[2].id]]


def test_the_queue_never_holds_more_than_its_bound(stager, account, messages, moved_clock):
    make_jobs(account, [-60] * 350)
    for _ in range(5):
        stager.stage_due(clock.now())
        moved_clock.advance(seconds=30)
    assert len(messages.named) == 300

    lifecycle.claim(messages.named[:50], clock.now(), 0)
    stager.stage_due(clock.now())
    assert len(set(messages.named)) == 350


def test_a_backlog_does_not_delay_what_is_due_next(stager, account, messages):
    make_jobs(account, [-60] * 400)
    soon = make_job(account, "scheduled", due_in_s=1)
    stager.stage_due(clock.now())
    assert soon.id in messages.named


def test_what_falls_due_between_two_rounds_does_not_stand_behind_the_backlog(stager, account, messages, moved_clock):
    """One in eight of a neighbor's jobs ordered for now waited 20 s, until a backlog of 100,000 had drained."""
    make_jobs(account, [-60] * 1500)
    stager.stage_due(clock.now())
    now = make_job(account)
    moved_clock.advance(seconds=0.3)
    stager.stage_due(clock.now())
    assert now.id in messages.named


@pytest.mark.parametrize("due_in_s", [-60, -1])
def test_the_queue_never_holds_more_than_twice_its_bound(stager, account, messages, moved_clock, due_in_s):
    make_jobs(account, [-1, due_in_s] * 350)
    for _ in range(5):
        stager.stage_due(clock.now())
    assert len(messages.named) == 600


@pytest.mark.parametrize(("due_in_s", "counts"), [(-60, 1), (-1, 2), (0.1, 1)])
def test_nothing_is_counted_for_jobs_due_soon_where_there_are_none(stager, account, monkeypatch, due_in_s, counts):
    """Counting ten thousand marks of a backlog took a twentieth of PostgreSQL's time in a drain."""
    counted = []
    monkeypatch.setattr(staging, "staged_between", lambda *limits: counted.append(limits) or 0)
    make_jobs(account, [due_in_s] * 3)

    stager.stage_due(clock.now())

    assert len(counted) == counts


def park_many(account, count, keys):
    """Parked jobs that may pass at once, of so many flows."""
    for key in range(keys):
        ids = order(account, flow(f"flow-{key}", concurrency=1000), count=count // keys)
        gate = gate_of(FLOW, f"flow-{key}").id
        Job.update(parked_by=gate, held_until=gates.FAR).where(Job.id.in_(ids)).execute()
        gates.wake([gate], clock.now())


def test_parked_jobs_take_no_more_room_than_others(stager, account, messages, moved_clock):
    park_many(account, count=700, keys=7)
    for _ in range(5):
        stager.stage_due(clock.now())
        moved_clock.advance(seconds=1)
    assert len(set(messages.named)) == 7 * (300 // 7)


def test_parked_jobs_of_each_gate_get_the_same_room(stager, account, messages):
    park_many(account, count=700, keys=7)

    stager.stage_due(clock.now())

    flows = [job.flow_id for job in Job.select().where(Job.id.in_(messages.named))]
    assert set(Counter(flows).values()) == {300 // 7}


def test_parked_jobs_take_no_room_of_others_and_others_none_of_theirs(stager, account, messages):
    park_many(account, count=300, keys=3)
    make_jobs(account, [-1] * 700)

    stager.stage_due(clock.now())

    assert len(messages.named) == 900


def test_what_the_broker_did_not_take_is_staged_again(stager, account, messages):
    make_jobs(account, [0] * 150)
    messages.accepts = 1
    with pytest.raises(BrokerError):
        stager.stage_due(clock.now())
    messages.accepts = 10
    assert stager.stage_due(clock.now()) == 50
    assert len(set(messages.named)) == len(messages.named) == 150


def test_parked_jobs_that_the_broker_did_not_take_are_staged_again(stager, account, messages):
    park_many(account, count=140, keys=2)
    messages.accepts = 1
    with pytest.raises(BrokerError):
        stager.stage_due(clock.now())

    messages.accepts = 10

    assert stager.stage_due(clock.now()) == 40
    assert len(set(messages.named)) == len(messages.named) == 140


def test_a_new_leader_begins_each_of_its_searches_anew(stager, moved_clock):
    fronts = [value for value in vars(stager).values() if isinstance(value, Front)]
    for front in fronts:
        front.search(clock.now(), lambda _: None)
    assert all(front.begins_at(clock.now()) for front in fronts)

    stager.clear_marks()

    assert [front.begins_at(clock.now()) for front in fronts] == [0, 0, 0]


def test_a_backlog_that_waits_is_not_published_again(stager, account, messages, moved_clock):
    make_job(account)
    for _ in range(100):
        stager.stage_due(clock.now())
        stager.find_lost(clock.now())
        moved_clock.advance(seconds=30)
    assert len(messages.named) == 1
    assert len(messages.probes) == 99


def test_a_lost_message_is_published_again_after_a_later_probe(stager, account, messages, moved_clock):
    """A job whose message was lost is published again once a later probe came through."""
    job = make_job(account)
    stager.stage_due(clock.now())
    moved_clock.advance(seconds=11)
    stager.find_lost(clock.now())
    record_delivered(messages.probes[-1])
    assert stager.find_lost(clock.now()) == 1
    stager.stage_due(clock.now())
    assert messages.named == [job.id, job.id]


def test_a_job_staged_shortly_before_the_probe_is_not_lost(stager, account, moved_clock):
    """A job staged shortly before the probe may still be on its way."""
    job = make_job(account)
    stager.stage_due(clock.now())
    record_delivered(clock.now() + LOST_AFTER_US)
    moved_clock.advance(seconds=60)
    assert stager.find_lost(clock.now()) == 0
    assert reread(job).staged_at is not None


def test_a_clock_that_was_set_back_makes_no_waiting_message_look_lost(stager, account, messages, moved_clock):
    record_delivered(clock.now())
    moved_clock.advance(hours=-1)
    make_job(account)
    for _ in range(10):
        stager.stage_due(clock.now())
        moved_clock.advance(seconds=6)
        assert stager.find_lost(clock.now()) == 0
    assert len(messages.named) == 1


def test_a_clock_set_back_hides_lost_messages_until_the_next_probe(stager, account, messages, moved_clock):
    """After a clock was set back the next probe tells again what is lost."""
    record_delivered(clock.now())
    moved_clock.advance(hours=-1)
    make_job(account)
    stager.stage_due(clock.now())
    moved_clock.advance(seconds=11)
    stager.find_lost(clock.now())
    record_delivered(messages.probes[-1])
    assert stager.find_lost(clock.now()) == 1


def test_no_probe_is_sent_while_nothing_waits_long(stager, account, messages, moved_clock):
    make_job(account)
    stager.stage_due(clock.now())
    moved_clock.advance(seconds=4)
    stager.find_lost(clock.now())
    assert messages.probes == []
