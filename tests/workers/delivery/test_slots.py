"""The bound on requests under way, and the share of it that one account or host may hold."""

import threading

import pytest

from models.jobs.job_ref import JobRef
from workers.delivery.slots import LONGEST_TURN_S, SLOW_GAP_S, STUCK_AFTER_S, Slots


def named(count, account_id=1, host="a.example"):
    return [JobRef(number, account_id, host) for number in range(count)]


def many_hosts(count):
    return [JobRef(number, number, f"{number}.example") for number in range(count)]


def test_a_caller_gets_what_is_free_now():
    """A caller gets what is free and the rest stays to be asked for."""
    slots = Slots(3, share=1)
    assert len(slots.take(many_hosts(2)).admitted) == 2
    taken = slots.take(many_hosts(5))
    assert (len(taken.admitted), len(taken.stuck), len(taken.rest)) == (1, 0, 4)
    assert slots.take(named(1)).admitted == []


def test_one_host_gets_no_more_than_its_share():
    slots = Slots(10, share=0.5)
    taken = slots.take([JobRef(number, number, "slow.example") for number in range(8)])
    assert (len(taken.admitted), len(taken.rest)) == (5, 3)
    assert len(slots.take([JobRef(9, 99, "good.example")]).admitted) == 1


def test_one_account_gets_no_more_than_its_share():
    slots = Slots(10, share=0.5)
    taken = slots.take([JobRef(number, 1, f"{number}.example") for number in range(8)])
    assert (len(taken.admitted), len(taken.rest)) == (5, 3)
    assert len(slots.take([JobRef(9, 2, "1.example")]).admitted) == 1


def test_a_full_share_is_stuck_after_a_silent_while():
    """A full share is stuck when none of it came free for a while."""
    slots = Slots(10, share=0.2)
    slots.take(named(2), now_s=0)
    assert slots.take(named(1), now_s=STUCK_AFTER_S).rest == named(1)
    assert slots.take(named(1), now_s=STUCK_AFTER_S + 0.001).stuck == named(1)


def used_every(gap_s, times=200):
    """Slots whose one host has its share, of which one slot came free and was taken again every `gap_s`."""
    slots, now_s = Slots(10, share=0.2), 0.0
    slots.take(named(2), now_s=now_s)
    for _ in range(times):
        now_s += gap_s
        slots.give(named(1), now_s=now_s)
        slots.take(named(1), now_s=now_s)
    return slots, now_s


def test_a_full_share_that_comes_free_quickly_is_worth_waiting_for():
    slots, now_s = used_every(SLOW_GAP_S / 2)
    assert slots.take(named(1), now_s=now_s).rest == named(1)


def test_a_full_share_that_comes_free_slowly_is_not():
    """Jobs for a target that answers after many seconds once held every thread, and starved their neighbors."""
    slots, now_s = used_every(SLOW_GAP_S * 2)
    assert slots.take(named(1), now_s=now_s).stuck == named(1)


def test_stuck_jobs_get_turns_as_far_apart_as_slots_come_free():
    slots, now_s = used_every(2.0)
    assert slots.turns(named(2), now_s=now_s) == pytest.approx([2, 4])
    assert slots.turns(named(1), now_s=now_s + 0.1) == pytest.approx([5.9])


def test_a_turn_too_far_ahead_is_spread():
    """A turn that would come too late is spread over the longest times."""
    slots, now_s = used_every(LONGEST_TURN_S)
    turns = slots.turns(named(100), now_s=now_s)
    assert all(LONGEST_TURN_S / 4 <= turn <= LONGEST_TURN_S for turn in turns)
    assert len(set(turns)) > 50


def test_a_silent_share_is_waited_for_half_as_long_again():
    """Of a share that has been silent half of that time again is waited."""
    slots = Slots(10, share=0.2)
    slots.take(named(2), now_s=0)
    turns = slots.turns(named(100), now_s=40)
    assert all(10 <= turn <= 30 for turn in turns)
    assert len(set(turns)) > 50


def test_no_pace_is_known_before_two_slots_came_free():
    slots = Slots(10, share=0.2)
    slots.take(named(2), now_s=0)
    slots.give(named(1), now_s=30)
    slots.take(named(1), now_s=30)
    assert slots.turns(named(2), now_s=30) == [0, 0]


def test_turns_are_forgotten_when_time_has_passed_them():
    slots, now_s = used_every(2.0)
    slots.turns(named(10), now_s=now_s)
    slots.give(named(1), now_s=now_s + 100)
    slots.take(named(1), now_s=now_s + 100)
    assert slots.turns(named(1), now_s=now_s + 100) == pytest.approx([6.9])


def test_a_share_with_room_has_no_turns_to_give():
    slots, now_s = used_every(2.0)
    slots.give(named(1), now_s=now_s)
    assert slots.turns(named(1), now_s=now_s) == [0]


def test_a_slow_share_that_has_room_admits():
    slots, now_s = used_every(SLOW_GAP_S * 2)
    slots.give(named(1), now_s=now_s)
    assert slots.take(named(1), now_s=now_s).admitted == named(1)


def test_a_share_given_back_can_be_had_again():
    slots = Slots(2, share=0.5)
    slots.give(slots.take(named(2)).admitted)
    assert len(slots.take(named(1)).admitted) == 1
    assert slots.in_use == 1


def test_a_share_of_which_nothing_is_held_is_forgotten():
    """A host that was slow once would be taken for slow for ever, and each host ever met would take memory."""
    slots, now_s = used_every(SLOW_GAP_S * 2)
    assert slots.take(named(1), now_s=now_s).stuck == named(1)
    slots.give(named(2), now_s=now_s)
    slots.take(named(2), now_s=now_s)
    assert slots.take(named(1), now_s=now_s).rest == named(1)


def test_a_share_of_which_a_part_is_still_held_is_remembered():
    slots, now_s = used_every(SLOW_GAP_S * 2)
    slots.give(named(1), now_s=now_s)
    slots.take(named(1), now_s=now_s)
    assert slots.take(named(1), now_s=now_s).stuck == named(1)


def test_a_share_is_never_less_than_one_slot():
    assert len(Slots(1, share=0.1).take(named(1)).admitted) == 1


def test_closed_slots_admit_nobody():
    slots = Slots(1, share=1)
    slots.close()
    assert slots.take(named(1)).rest == named(1)


def test_many_takers_never_hold_more_than_there_is():
    slots, most, lock = Slots(5, share=1), [0], threading.Lock()

    def take_and_give():
        for _ in range(200):
            taken = slots.take(named(3))
            with lock:
                most[0] = max(most[0], slots.in_use)
            slots.give(taken.admitted)

    threads = [threading.Thread(target=take_and_give) for _ in range(6)]
    for thread in threads:
        thread.start()

    for thread in threads:
        thread.join(60)

    assert 0 < most[0] <= 5
    assert slots.in_use == 0


def follow_ups_named(count, account_id=1, host="a.example"):
    """Callbacks and events of an account, as a message names them."""
    return [ref._replace(is_follow_up=True) for ref in named(count, account_id, host)]


def test_follow_ups_take_nothing_from_the_share_of_their_account_s_requests():
    slots = Slots(16, share=0.5)
    taken = slots.take(follow_ups_named(16), now_s=0)
    assert len(taken.admitted) == 4
    assert len(slots.take(named(16), now_s=0).admitted) == 8


def test_all_follow_ups_together_hold_one_share_at_most():
    slots = Slots(16, share=0.5)
    taken = slots.take([JobRef(number, number, f"{number}.example", True) for number in range(1, 17)], now_s=0)
    assert len(taken.admitted) == 8
    assert len(slots.take(many_hosts(16), now_s=0).admitted) == 8


def test_a_hanging_receiver_of_follow_ups_alone_is_stuck():
    """A hanging receiver of follow ups is stuck and its host is not."""
    slots = Slots(16, share=0.5)
    slots.take(follow_ups_named(16), now_s=0)
    late_s = STUCK_AFTER_S + 0.001
    assert slots.take(follow_ups_named(1, 2), now_s=late_s).stuck == follow_ups_named(1, 2)
    assert slots.take(named(1), now_s=late_s).admitted == named(1)


def test_follow_ups_never_hold_a_thread_for_a_share_that_is_full():
    """Requests had to wait for those threads, for a receiver whose slots came free every few milliseconds."""
    slots = Slots(16, share=0.5)
    slots.take(follow_ups_named(16), now_s=0)
    assert slots.take(follow_ups_named(2), now_s=0).stuck == follow_ups_named(2)
    slots.close()
    assert slots.take(follow_ups_named(2), now_s=0).rest == follow_ups_named(2)


def test_what_follow_ups_held_comes_free_again():
    slots = Slots(16, share=0.5)
    slots.give(slots.take(follow_ups_named(16), now_s=0).admitted, now_s=0)
    assert slots.in_use == 0
    assert len(slots.take(follow_ups_named(16), now_s=0).admitted) == 4
