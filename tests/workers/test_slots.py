"""The bound on requests under way, and the share of it that one account or host may hold."""

import threading

from workers.slots import Slots


def named(count, account_id=1, host="a.example"):
    return [(number, account_id, host) for number in range(count)]


def test_a_caller_gets_what_is_free_and_the_rest_stays_to_be_asked_for():
    slots = Slots(3, share=1)
    assert len(slots.take(named(2), 0).admitted) == 2
    taken = slots.take(named(5), 0)
    assert (len(taken.admitted), len(taken.held), len(taken.rest)) == (1, 0, 4)
    assert slots.take(named(1), 0).admitted == []


def test_one_host_gets_no_more_than_its_share():
    slots = Slots(10, share=0.5)
    taken = slots.take([(number, number, "slow.example") for number in range(8)], 0)
    assert (len(taken.admitted), len(taken.held)) == (5, 3)
    assert len(slots.take([(9, 99, "good.example")], 0).admitted) == 1


def test_one_account_gets_no_more_than_its_share():
    slots = Slots(10, share=0.5)
    taken = slots.take([(number, 1, f"{number}.example") for number in range(8)], 0)
    assert (len(taken.admitted), len(taken.held)) == (5, 3)
    assert len(slots.take([(9, 2, "1.example")], 0).admitted) == 1


def test_a_share_given_back_can_be_had_again():
    slots = Slots(2, share=0.5)
    first = slots.take(named(2), 0)
    assert len(first.held) == 1
    slots.give(first.admitted)
    assert len(slots.take(first.held, 0).admitted) == 1


def test_a_share_is_never_less_than_one_slot():
    assert len(Slots(1, share=0.1).take(named(1), 0).admitted) == 1


def test_a_slot_given_back_wakes_who_waits():
    slots = Slots(1, share=1)
    first = slots.take(named(1), 0).admitted
    taken = []
    waiter = threading.Thread(target=lambda: taken.append(slots.take(named(1), 10)))
    waiter.start()
    slots.give(first)
    waiter.join(10)
    assert taken[0].admitted == named(1)


def test_closing_wakes_who_waits_with_nothing():
    slots = Slots(1, share=1)
    slots.take(named(1), 0)
    taken = []
    waiter = threading.Thread(target=lambda: taken.append(slots.take(named(1), 10)))
    waiter.start()
    slots.close()
    waiter.join(10)
    assert taken[0].rest == named(1)


def test_many_takers_never_hold_more_than_there_is():
    slots, most, lock = Slots(5, share=1), [0], threading.Lock()

    def take_and_give():
        for _ in range(200):
            taken = slots.take(named(3), 10)
            with lock:
                most[0] = max(most[0], slots.in_use)
            slots.give(taken.admitted)

    threads = [threading.Thread(target=take_and_give) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert 0 < most[0] <= 5
    assert slots.in_use == 0
