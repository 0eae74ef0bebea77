"""Starts as a rate counts them: ahead of their instants, and moved when the requests go out later."""

import pytest
from peewee import OperationalError

from models.database.connection import release_connection
from models.flows import late_starts, pacing, parking
from models.flows.gate_tables import GateStart
from models.flows.late_starts import SentJob
from models.jobs import lifecycle
from models.operations import claims
from models.rules import clock
from models.rules.turns import AHEAD_US, LEAD_US, Pace, Turn, together, turn
from tests.support.flows import MARGIN, flow, ids_through, let_through, next_turns, order
from tests.support.lost_answers import answer_lost


@pytest.mark.parametrize("late_s", [1, 8])
def test_a_late_start_counts_from_the_instant_at_which_it_goes_out(account, moved_clock, late_s):
    ids = order(account, flow(rate=1, per_s=10), count=2)
    late = let_through(ids)
    moved_clock.advance(seconds=late_s)
    refused = late_starts.count_anew(late)
    moved_clock.advance(seconds=9.7)
    too_early = ids_through(ids)
    moved_clock.advance(seconds=0.3)

    assert (refused, too_early, ids_through(ids)) == (set(), [], ids[1:])


def test_a_start_that_is_so_late_that_others_took_its_place_may_not_go(account, moved_clock):
    ids = order(account, flow(rate=1, per_s=10), count=2)
    late = let_through(ids)
    moved_clock.advance(seconds=10)
    ids_through(ids)

    assert late_starts.count_anew(late) == {ids[0]}


def test_a_job_that_was_parked_though_nobody_heard_of_it_may_not_go_later(account, moved_clock):
    """It went out when there was room, and a second time in its turn."""
    ids = order(account, flow(rate=1, per_s=10), count=2)
    late = let_through(ids)
    moved_clock.advance(seconds=10)
    ids_through(ids)
    with answer_lost(), pytest.raises(OperationalError):
        late_starts.count_anew(late)
    release_connection()
    moved_clock.advance(seconds=10)

    assert late_starts.count_anew(late) == {ids[0]}
    assert ids_through(ids) == [ids[0]]


def test_it_may_go_when_the_window_has_room_again(account, moved_clock):
    ids = order(account, flow(rate=1, per_s=10), count=3)
    late = let_through(ids)
    moved_clock.advance(seconds=10)
    ids_through(ids)
    moved_clock.advance(seconds=10)

    assert late_starts.count_anew(late) == set()
    assert ids_through(ids) == []


def test_a_late_start_takes_no_second_place_of_the_requests_under_way(account, moved_clock):
    ids = order(account, flow(rate=1, per_s=10, concurrency=2), count=2)
    late = let_through(ids)
    moved_clock.advance(seconds=10)
    ids_through(ids)
    moved_clock.advance(seconds=10)

    assert late_starts.count_anew(late) == set()


def test_a_flow_without_a_rate_lets_late_starts_go(account, moved_clock):
    ids = order(account, flow(concurrency=1))
    late = let_through(ids)

    assert ([job.start for job in late], late_starts.count_anew(late)) == ([None], set())


def test_a_start_moves_to_the_instant_at_which_its_request_had_gone(account, moved_clock):
    ids = order(account, flow(rate=1, per_s=10), count=2)
    [late] = let_through(ids)
    moved_clock.advance(seconds=0.5)
    gone_at = clock.now()
    moved_clock.advance(seconds=9.5)
    late_starts.correct([SentJob(late, gone_at)])
    too_early = ids_through(ids)
    moved_clock.advance(seconds=0.5)

    assert (too_early, ids_through(ids)) == ([], ids[1:])


def test_a_start_moves_to_no_earlier_instant(account, moved_clock):
    ids = order(account, flow(rate=1, per_s=10), count=2)
    [job] = let_through(ids)
    counted_at = GateStart.get().started_at

    late_starts.correct([SentJob(job, counted_at - clock.SECOND)])

    assert GateStart.get().started_at == counted_at


def test_the_start_of_an_earlier_attempt_stays_where_it_is(account, moved_clock):
    ids = order(account, flow(rate=2, per_s=10))
    [first] = let_through(ids)
    began_at = clock.now()
    lifecycle.retry([(first, clock.now())])
    moved_clock.advance(seconds=1)
    [second] = let_through(ids)
    moved_clock.advance(seconds=1)

    late_starts.count_anew([second])
    late_starts.correct([SentJob(second, clock.now() + clock.SECOND)])

    moved = [row.started_at for row in GateStart.select().order_by(GateStart.number)]
    assert moved == [began_at, clock.now() + clock.SECOND]


def test_a_start_is_count_anew_for_a_moment_ahead(account, moved_clock):
    """A process that is killed right after the request left corrects nothing."""
    late = let_through(order(account, flow(rate=1, per_s=10)))
    moved_clock.advance(seconds=1)

    late_starts.count_anew(late)

    assert GateStart.get().started_at == clock.now() + late_starts.LEAVES_IN_US


def test_a_start_that_went_out_late_holds_back_those_behind_it(account, moved_clock):
    """Else two starts that are closer together than a window would have just one between them."""
    ids = order(account, flow(rate=2, per_s=10), count=4)
    first, _ = let_through(ids)
    late_starts.correct([SentJob(first, clock.now() + clock.SECOND)])
    moved_clock.advance(seconds=10)
    too_early = ids_through(ids)
    moved_clock.advance(seconds=1)

    assert (too_early, ids_through(ids)) == ([], ids[2:])


def test_a_start_that_went_out_a_little_late_holds_back_one_start_alone(account, moved_clock):
    """All behind it waited for it. So each window of a fast flow was longer by its latest start."""
    ids = order(account, flow(rate=3, per_s=10), count=6)
    began_at = clock.now()
    _, late, _ = let_through(ids)
    late_starts.correct([SentJob(late, began_at + 100 * clock.MILLISECOND)])
    moved_clock.advance(seconds=10)

    starts = [job.start.at - began_at for job in let_through(ids)]

    assert starts == [10 * clock.SECOND, 10 * clock.SECOND + 100 * clock.MILLISECOND, 10 * clock.SECOND]


def test_turns_are_those_of_the_starts_that_leave_the_window_whatever_their_numbers():
    pace = Pace(rate=3, per_us=10 * clock.SECOND, predecessors=[100_000, 0, 50_000])

    turns = [turn(pace, place, 9 * clock.SECOND) for place in range(3)]

    assert turns == [10 * clock.SECOND, 10 * clock.SECOND + 50_000, 10 * clock.SECOND + 100_000]


@pytest.mark.parametrize(("room", "ahead_us"), [(None, AHEAD_US), (9, 0)])
def test_a_start_that_was_counted_before_the_clock_was_set_back_leaves_the_window_all_the_same(room, ahead_us):
    pace = Pace(rate=1, per_us=10 * clock.SECOND, predecessors=[clock.DAY], room=room)

    assert turn(pace, 0, 9 * clock.SECOND) == 19 * clock.SECOND + ahead_us


@pytest.mark.parametrize(("room", "ahead_us"), [(None, AHEAD_US), (9, 0)])
def test_no_turn_comes_while_a_start_of_a_lesser_number_may_not_be_counted(room, ahead_us):
    """Its job would be staged, refused and parked again and again."""
    pace = Pace(rate=2, per_us=10 * clock.SECOND, predecessors=[3 * clock.SECOND, 0], room=room)

    turns = [turn(pace, place, 9 * clock.SECOND) for place in range(2)]

    assert turns == [13 * clock.SECOND - ahead_us, 13 * clock.SECOND]


def test_no_turn_moves_before_its_instant_where_those_behind_it_are_earlier():
    turns = [Turn(1, 1000), Turn(2, 900)]

    assert together(turns, Pace(rate=3, per_us=10, room=5), 0) == turns


def test_a_job_is_let_through_a_moment_before_its_turn_and_counted_at_its_turn(account, moved_clock):
    ids = order(account, flow(rate=1, per_s=10), count=2)
    [first] = let_through(ids)
    moved_clock.advance(seconds=10 - (AHEAD_US + 1) / clock.SECOND)
    too_early = ids_through(ids)
    moved_clock.advance(seconds=0.01)
    [second] = let_through(ids)

    assert (too_early, second.start.at - first.start.at) == ([], 10 * clock.SECOND)
    assert [row.started_at for row in GateStart.select()] == [second.start.at]


def test_of_those_let_through_ahead_the_one_that_was_due_first_goes_first(account, moved_clock):
    """Its start had the later instant, as it was created later."""
    first, second = order(account, flow(rate=2, per_s=10), count=2)
    let_through([first])
    moved_clock.advance(seconds=0.1)
    let_through([second])
    late, early = [order(account, flow(), in_s=in_s)[0] for in_s in (2, 1)]
    moved_clock.advance(seconds=3)
    assert let_through([late, early]) == []
    moved_clock.advance(seconds=6.8)

    of_late, of_early = let_through([late, early])

    assert of_late.start.at - of_early.start.at == 0.1 * clock.SECOND


def test_no_start_comes_before_one_that_was_counted_ahead(account, moved_clock):
    ids = order(account, flow(rate=2, per_s=10), count=4)
    let_through(ids[:1])
    moved_clock.advance(seconds=1)
    let_through(ids[:2])
    moved_clock.advance(seconds=8.95)
    [ahead] = let_through(ids[2:3])
    moved_clock.advance(seconds=1)
    [after] = let_through(ids[3:])

    assert (ahead.start.at > clock.now() - clock.SECOND, after.start.at >= ahead.start.at) == (True, True)


def test_a_flow_that_limits_requests_under_way_lets_nothing_through_ahead(account, moved_clock):
    ids = order(account, flow(rate=1, per_s=10, concurrency=9), count=2)
    ids_through(ids)
    moved_clock.advance(seconds=9.99)
    too_early = ids_through(ids)
    moved_clock.advance(seconds=0.01)

    assert (too_early, ids_through(ids)) == ([], ids[1:])


def test_a_start_counts_from_when_the_gates_were_locked_not_from_when_the_claim_began(account, moved_clock):
    ids = order(account, flow(rate=1, per_s=10), count=2)
    began_at = clock.now()
    moved_clock.advance(seconds=1)

    claims.claim(ids, began_at, MARGIN)

    assert [row.started_at for row in GateStart.select()] == [clock.now()]


def test_turns_that_lie_close_together_become_one(account, moved_clock):
    ids = order(account, flow(rate=2, per_s=10), count=4)
    ids_through(ids[:1])
    moved_clock.advance(seconds=0.02)
    ids_through(ids)

    assert [at - clock.now() for _, at in next_turns(ahead_s=10)] == [9_980_000 - LEAD_US] * 2


def test_turns_of_jobs_that_may_not_be_claimed_ahead_become_the_last_of_them(account, moved_clock):
    ids = order(account, flow(rate=2, per_s=10, concurrency=9), count=4)
    ids_through(ids[:1])
    moved_clock.advance(seconds=0.02)
    ids_through(ids)

    assert [at - clock.now() for _, at in next_turns(ahead_s=10)] == [10 * clock.SECOND] * 2


def test_turns_that_lie_further_apart_do_not(account, moved_clock):
    ids = order(account, flow(rate=2, per_s=10), count=4)
    ids_through(ids[:1])
    moved_clock.advance(seconds=0.03)
    ids_through(ids)

    turns = [at - clock.now() for _, at in next_turns(ahead_s=10)]
    assert turns == [9_970_000 - LEAD_US, 10 * clock.SECOND - LEAD_US]


@pytest.fixture(params=[-200, 200], ids=["behind", "ahead"])
def another_host(request, moved_clock, monkeypatch):
    """From the call on this is a host whose clock is so far from the database's; returns by how many microseconds the
    database's is ahead."""
    ahead_us = -request.param * clock.MILLISECOND

    def become():
        moved_clock.advance(seconds=-ahead_us / clock.SECOND)
        monkeypatch.setattr(pacing, "_ahead_us", lambda _: ahead_us)
        return ahead_us

    return become


def test_hosts_whose_clocks_are_apart_share_one_window(account, moved_clock, another_host):
    ids = order(account, flow(rate=1, per_s=10), count=2)
    [first] = let_through(ids[:1])
    ahead_us = another_host()
    moved_clock.advance(seconds=9.7)
    too_early = ids_through(ids[1:])
    moved_clock.advance(seconds=0.2)
    [second] = let_through(ids[1:])

    assert (too_early, GateStart.get().started_at - first.start.at) == ([], 10 * clock.SECOND)
    assert second.start.at + ahead_us == first.start.at + 10 * clock.SECOND


def test_a_host_whose_clock_is_apart_corrects_a_start_by_the_clock_of_the_window(account, moved_clock, another_host):
    ids = order(account, flow(rate=1, per_s=10))
    [job] = let_through(ids)
    counted_at = job.start.at
    another_host()
    moved_clock.advance(seconds=0.1)

    late_starts.correct([SentJob(job, clock.now())])

    assert GateStart.get().started_at == counted_at + clock.SECOND // 10


@pytest.mark.parametrize(("limits", "named"), [({}, 150), ({"concurrency": 1000}, parking.JOBS_AT_ONCE)])
def test_more_turns_are_named_in_advance_where_a_rate_is_the_only_limit(account, moved_clock, limits, named):
    """A ticker that is busy for a moment would let a fast flow run dry."""
    let_through(order(account, flow(rate=150, per_s=1, **limits), count=300))

    assert len(next_turns(ahead_s=2)) == named


@pytest.mark.parametrize("sign", [-1, 1])
def test_clocks_count_as_apart_from_more_than_a_moment_on_whichever_is_ahead(monkeypatch, sign):
    monkeypatch.setattr(clock, "wall_clock", lambda: clock.HOUR)
    apart = [0, pacing.SAME_US, pacing.SAME_US + 1]

    assert [pacing._ahead_us([None, clock.HOUR + sign * us]) for us in apart] == [0, 0, sign * apart[2]]
