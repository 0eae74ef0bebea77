"""The bound on requests under way, and the share of it that one account or host may hold."""

import heapq
import random
import threading

from models.jobs.job_ref import JobRef
from workers.delivery.delivery import SNOOZE_S
from workers.delivery.slots.slots import SWEEP_S, WAITS_S, Slots


def named(count, account_id=1, host="a.example"):
    return [JobRef(number, account_id, host) for number in range(count)]


def many_hosts(count):
    return [JobRef(number, number, f"{number}.example") for number in range(count)]


def test_a_caller_gets_what_is_free_now():
    """A caller gets what is free and the rest stays to be asked for."""
    slots = Slots(3, share=1)
    assert len(slots.take(many_hosts(2)).admitted) == 2
    taken = slots.take(many_hosts(5))
    assert (len(taken.admitted), len(taken.over_share), len(taken.no_slot)) == (1, 0, 4)
    assert slots.take(named(1)).admitted == []


def test_one_host_gets_no_more_than_its_share():
    slots = Slots(10, share=0.5)
    taken = slots.take([JobRef(number, number, "slow.example") for number in range(8)])
    assert (len(taken.admitted), len(taken.over_share)) == (5, 3)
    assert len(slots.take([JobRef(9, 99, "good.example")]).admitted) == 1


def test_one_account_gets_no_more_than_its_share():
    slots = Slots(10, share=0.5)
    taken = slots.take([JobRef(number, 1, f"{number}.example") for number in range(8)])
    assert (len(taken.admitted), len(taken.over_share)) == (5, 3)
    assert len(slots.take([JobRef(9, 2, "1.example")]).admitted) == 1


def test_who_has_its_share_is_over_it_though_no_slot_is_free_either():
    """A message that waits for a free slot holds a thread; its jobs would find none."""
    slots = Slots(2, share=0.5)
    slots.take(many_hosts(2))
    assert slots.take([JobRef(9, 1, "other.example")]).over_share
    assert slots.take([JobRef(9, 9, "other.example")]).no_slot


ALICE, BOB, CAROL = 1, 2, 3


def test_an_account_may_hold_all_of_a_host_while_nobody_else_waits():
    slots = Slots(20, share=0.5)
    assert len(slots.take(named(10, ALICE), now_s=0).admitted) == 10
    slots.give(named(1, ALICE))
    assert len(slots.take(named(1, ALICE), now_s=0).admitted) == 1


def test_a_slot_of_a_host_for_which_another_account_waits_is_kept_for_it():
    slots = Slots(20, share=0.5)
    slots.take(named(10, ALICE), now_s=0)
    assert slots.take(named(1, BOB), now_s=0).over_share

    slots.give(named(2, ALICE))

    assert len(slots.take(named(3, ALICE), now_s=WAITS_S - 1).admitted) == 1
    assert len(slots.take(named(1, BOB), now_s=WAITS_S - 1).admitted) == 1


def test_nothing_is_kept_for_an_account_that_got_all_it_waited_for():
    slots = Slots(20, share=0.5)
    slots.take(named(10, ALICE), now_s=0)
    slots.take(named(1, BOB), now_s=0)
    slots.give(named(2, ALICE))
    slots.take(named(1, BOB), now_s=1)
    assert len(slots.take(named(1, ALICE), now_s=1).admitted) == 1


def test_nothing_is_kept_for_an_account_that_does_not_come_back():
    slots = Slots(20, share=0.5)
    slots.take(named(10, ALICE), now_s=0)
    slots.take(named(1, BOB), now_s=0)
    slots.give(named(1, ALICE))
    assert slots.take(named(1, ALICE), now_s=WAITS_S - 1).over_share
    assert slots.take(named(1, ALICE), now_s=WAITS_S).admitted


def test_accounts_that_wait_for_the_same_host_get_equal_parts_of_it():
    slots = Slots(60, share=0.5)
    slots.take(named(30, ALICE), now_s=0)
    for account_id in (ALICE, BOB, CAROL):
        slots.take(named(50, account_id), now_s=0)

    slots.give(named(30, ALICE))

    held = [len(slots.take(named(50, account_id), now_s=1).admitted) for account_id in (ALICE, BOB, CAROL)]
    assert held == [10, 10, 10]


def test_an_account_within_its_part_is_not_held_up_by_others_that_wait():
    slots = Slots(60, share=0.5)
    slots.take(named(30, ALICE), now_s=0)
    slots.take(named(50, BOB), now_s=0)
    slots.give(named(20, ALICE))
    assert len(slots.take(named(50, ALICE), now_s=1).admitted) == 5


def test_accounts_that_wait_for_one_host_are_not_held_up_at_another():
    slots = Slots(60, share=0.5)
    slots.take(named(10, ALICE), now_s=0)
    slots.take(named(20, BOB), now_s=0)
    for account_id in (ALICE, BOB):
        slots.take(named(50, account_id), now_s=0)
    assert len(slots.take(named(20, ALICE, host="b.example"), now_s=0).admitted) == 20


def test_two_accounts_that_hold_every_slot_make_room_for_a_third():
    slots = Slots(20, share=0.5)
    for account_id in (ALICE, BOB):
        slots.take(named(50, account_id, host=f"{account_id}.example"), now_s=0)
    assert slots.take(named(1, CAROL), now_s=0).no_slot

    slots.give(named(1, ALICE, host="1.example"))

    assert slots.take(named(1, ALICE, host="1.example"), now_s=1).over_share
    assert slots.take(named(1, CAROL), now_s=1).admitted


def began_at_s(slots, jobs, lasts_s, until_s):
    """When each job begins, if all are due at 0, each takes so long, and a message names a hundred of them; the others
    are snoozed as delivery does it."""
    began, fraction = {}, random.Random(1)
    events = [(0.0, number, jobs[number : number + 100], 1) for number in range(0, len(jobs), 100)]
    heapq.heapify(events)
    while events and events[0][0] < until_s:
        now_s, number, refs, times = heapq.heappop(events)
        if not times:
            slots.give(refs)
            continue
        taken = slots.take(refs, now_s)
        began |= dict.fromkeys(taken.admitted, now_s)
        heapq.heappush(events, (now_s + lasts_s, number, taken.admitted, 0))
        if left := taken.over_share + taken.no_slot:
            heapq.heappush(events, (now_s + fraction.uniform(*SNOOZE_S) * 2 ** min(times, 5), number, left, times + 1))
    return began


def test_n1_ten_jobs_to_a_host_that_another_account_keeps_busy_begin_within_a_minute():
    """None of them ran within 151 s: what was snoozed came back by lottery, against thousands."""
    many, few = named(3000, ALICE), named(10, BOB)
    began = began_at_s(Slots(100, share=0.5), [*many, *few], lasts_s=20, until_s=151)
    assert all(began[job] <= 60 for job in few)
    assert sum(job in began for job in many) > 300  # of 350 that one account alone could begin


def test_a_share_given_back_can_be_had_again():
    slots = Slots(2, share=0.5)
    slots.give(slots.take(named(2)).admitted)
    assert len(slots.take(named(1)).admitted) == 1
    assert slots.in_use == 1


def test_a_host_of_which_nothing_is_held_and_for_which_nobody_waits_is_forgotten():
    """Each host ever met would take memory."""
    slots = Slots(10, share=0.2)
    slots.give(slots.take(many_hosts(2), now_s=0).admitted)
    slots.take(named(3), now_s=SWEEP_S)
    assert set(slots._hosts) == {("a.example", False)}

    slots.give(named(2))
    slots.take([], now_s=WAITS_S)
    assert set(slots._hosts) == {("a.example", False)}

    slots.take([], now_s=WAITS_S + SWEEP_S)
    assert slots._hosts == {}


def test_a_share_is_never_less_than_one_slot():
    assert len(Slots(1, share=0.1).take(named(1)).admitted) == 1


def test_closed_slots_admit_nobody():
    slots = Slots(1, share=1)
    slots.close()
    assert slots.take(named(1)).no_slot == named(1)


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


def test_follow_ups_of_a_host_that_hangs_are_over_their_share_and_its_requests_are_not():
    slots = Slots(16, share=0.5)
    slots.take(follow_ups_named(16), now_s=0)
    assert slots.take(follow_ups_named(1, 2), now_s=1).over_share == follow_ups_named(1, 2)
    assert slots.take(named(1), now_s=1).admitted == named(1)


def test_what_follow_ups_held_comes_free_again():
    slots = Slots(16, share=0.5)
    slots.give(slots.take(follow_ups_named(16), now_s=0).admitted)
    assert slots.in_use == 0
    assert len(slots.take(follow_ups_named(16), now_s=0).admitted) == 4


def long_requests(numbers, account_id=None):
    return [JobRef(number, account_id or number, f"{number}.example", is_long=True) for number in numbers]


def test_long_requests_of_one_account_hold_half_of_a_share():
    slots = Slots(16, share=0.5)
    assert len(slots.take(long_requests(range(1, 17), account_id=1), now_s=0).admitted) == 4


def test_all_long_requests_together_hold_one_share_and_leave_the_rest_to_others():
    slots = Slots(16, share=0.5)
    taken = slots.take(long_requests(range(1, 17)), now_s=0)
    assert (len(taken.admitted), len(taken.over_share)) == (8, 8)
    assert len(slots.take(many_hosts(16), now_s=0).admitted) == 8


def test_what_long_requests_held_comes_free_again():
    slots = Slots(16, share=0.5)
    slots.give(slots.take(long_requests(range(1, 17)), now_s=0).admitted)
    assert slots.in_use == 0
    assert len(slots.take(long_requests(range(20, 40)), now_s=0).admitted) == 8


def test_a_job_that_goes_elsewhere_than_its_message_says_holds_a_slot_there():
    slots = Slots(4, share=0.5)
    [ref] = slots.take(named(1, host="before.example")).admitted

    slots.exchange([ref], [ref._replace(host="after.example")])

    assert slots.in_use == 1
    assert len(slots.take([JobRef(number, number, "before.example") for number in range(2, 6)]).admitted) == 2
    assert len(slots.take([JobRef(number, number, "after.example") for number in range(6, 8)]).admitted) == 1


def test_it_holds_one_there_though_the_share_is_full():
    slots = Slots(4, share=0.25)
    [ref] = slots.take(named(1, host="before.example")).admitted
    slots.take(named(1, account_id=2, host="after.example"))
    moved = ref._replace(host="after.example")

    slots.exchange([ref], [moved])
    slots.give([moved])

    assert slots.in_use == 1
