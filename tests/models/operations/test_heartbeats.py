"""Signs of life and the minutes' statistics: written whole, read together, forgotten when old."""

import json

import pytest

from models.operations import heartbeats
from models.operations.heartbeat_tables import MinuteStat
from models.operations.heartbeats import Depths, MinuteRow, WorkerRow
from models.operations.timelines import attempt_counts
from models.rules import clock, lateness
from models.rules.clock import DAY, HOUR, MINUTE, SECOND


def histogram(*values_us):
    counts = lateness.empty()
    for value in values_us:
        lateness.add(counts, value)
    return counts


def test_a_percentile_lies_within_its_bucket():
    counts = histogram(*[500] * 98, 40_000, 40_000)
    assert 0 < lateness.percentile(counts, 0.5) <= 1000
    assert 20_000 < lateness.percentile(counts, 0.99) <= 50_000


def test_nothing_has_no_percentile_and_the_latest_is_not_lost():
    assert lateness.percentile(lateness.empty(), 0.5) is None
    assert lateness.percentile(histogram(10**12), 0.5) == lateness.BOUNDS[-1]
    assert sum(histogram(-5, 0, 1000, 1001)) == 4


def test_half_of_two_is_not_later_than_the_first_of_them():
    assert lateness.percentile(histogram(500, 4000), 0.5) == 1000


@pytest.mark.parametrize("place", range(len(lateness.BOUNDS)))
def test_a_lateness_of_exactly_a_bound_counts_below_it(place):
    bound = lateness.BOUNDS[place]
    assert histogram(bound).index(1) == place
    assert histogram(bound + 1).index(1) == place + 1


def test_a_histogram_of_other_bounds_is_left_out():
    assert lateness.together([[1, 2, 3], histogram(1)]) == histogram(1)


def test_a_worker_lives_as_long_as_it_says_so(db, moved_clock):
    row = WorkerRow("a", "host", 1, "0.1", 8, 3, clock.now(), clock.now())
    heartbeats.record_heartbeat(row)
    heartbeats.record_heartbeat(row._replace(slots_in_use=5))
    assert [(worker.id, worker.slots_in_use) for worker in heartbeats.workers()] == [("a", 5)]
    assert heartbeats.alive(heartbeats.workers(), clock.now() + 15 * SECOND)
    assert not heartbeats.alive(heartbeats.workers(), clock.now() + 15 * SECOND + 1)
    heartbeats.remove_worker("a")
    assert heartbeats.workers() == []


def test_the_minutes_of_all_processes_are_added_up(account, moved_clock):
    minute = clock.now()
    first, second = json.dumps(histogram(500)), json.dumps(histogram(500, 90_000))
    heartbeats.record_minutes(
        [MinuteRow(account.id, minute, "a", 1, 0, first), MinuteRow(account.id, minute, "b", 1, 1, second)]
    )
    heartbeats.record_minutes([MinuteRow(account.id, minute, "a", 2, 0, json.dumps(histogram(500, 500)))])
    heartbeats.record_minutes([MinuteRow(account.id + 1, minute, "a", 99, 0, first)])

    minutes = heartbeats.minutes(account.id, minute + 59 * SECOND, 60)

    assert len(minutes) == 60
    assert [(each.completed, each.failed) for each in minutes[-2:]] == [(0, 0), (3, 1)]
    assert minutes[-1].p50_us <= 1000 < 50_000 < minutes[-1].p99_us
    assert minutes[0].p50_us is None


def test_a_later_total_of_a_minute_replaces_every_figure(account, moved_clock):
    minute = clock.now()
    heartbeats.record_minutes([MinuteRow(account.id, minute, "a", 1, 0, json.dumps(histogram(500)))])
    heartbeats.record_minutes([MinuteRow(account.id, minute, "a", 2, 1, json.dumps(histogram(500, 500, 90_000)))])
    [total] = heartbeats.minutes(account.id, minute, 1)
    assert (total.completed, total.failed) == (2, 1)
    assert total.p99_us > 50_000


def test_what_is_old_is_forgotten_and_what_is_young_is_not(account, moved_clock):
    row = WorkerRow("a", "host", 1, "0.1", 8, 3, clock.now(), clock.now())
    heartbeats.record_heartbeat(row)
    heartbeats.record_minutes([MinuteRow(account.id, clock.now(), "a", 1, 0, "[]")])
    heartbeats.prune(clock.now() + DAY)
    assert heartbeats.workers()
    assert heartbeats.minutes(account.id, clock.now(), 1)[0].completed == 1

    heartbeats.prune(clock.now() + DAY + 61 * MINUTE)
    assert heartbeats.workers() == []
    assert heartbeats.minutes(account.id, clock.now(), 1)[0].completed == 1
    heartbeats.prune(clock.now() + 8 * DAY + MINUTE)
    assert heartbeats.minutes(account.id, clock.now(), 1)[0].completed == 0


def test_the_depths_are_the_last_measured(db):
    assert heartbeats.depths() is None
    heartbeats.record_depths(Depths(1, 2, 3, 4))
    heartbeats.record_depths(Depths(5, 6, 7, 8))
    assert heartbeats.depths() == Depths(5, 6, 7, 8)


def test_minutes_of_more_than_a_day_ago_become_hours(account, moved_clock):
    """The timeline of seven days counts them. Each process had a row for each minute."""
    hour = clock.now() // HOUR * HOUR
    for minute, worker in ((1, "a"), (2, "a"), (2, "b"), (61, "a")):
        row = MinuteRow(account.id, hour + minute * MINUTE, worker, 2, 1, json.dumps(histogram(500)))
        heartbeats.record_minutes([row])

    for _ in range(2):
        heartbeats.prune(hour + 27 * HOUR)

    counts = attempt_counts.by_slice(account.id, hour, hour + DAY, HOUR)
    assert counts == {hour: (6, 3), hour + HOUR: (2, 1)}
    assert MinuteStat.select().count() == 2
    heartbeats.prune(hour + 9 * DAY)
    assert MinuteStat.select().count() == 0


def test_minutes_that_are_written_late_are_added_to_their_hour(account, moved_clock):
    """A process that stood still writes the minutes of before."""
    hour = clock.now() // HOUR * HOUR
    for worker in ("a", "b"):
        row = MinuteRow(account.id, hour + MINUTE, worker, 2, 1, json.dumps(histogram(500)))
        heartbeats.record_minutes([row])
        heartbeats.prune(hour + 27 * HOUR)

    assert attempt_counts.by_slice(account.id, hour, hour + HOUR, HOUR) == {hour: (4, 2)}


def test_minutes_of_today_stay_minutes(account, moved_clock):
    now = clock.now()
    heartbeats.record_minutes([MinuteRow(account.id, now - now % MINUTE, "a", 2, 1, json.dumps(histogram(500)))])

    heartbeats.prune(now + HOUR)

    assert heartbeats.minutes(account.id, now, 1)[0].p50_us is not None
