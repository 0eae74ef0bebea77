"""The bound on requests under way."""

import threading

from workers.slots import Slots


def test_a_caller_gets_what_is_free_up_to_what_it_wants():
    slots = Slots(3)
    assert slots.take(2, 0) == 2
    assert slots.take(5, 0) == 1
    assert slots.take(1, 0) == 0


def test_a_slot_given_back_wakes_who_waits():
    slots = Slots(1)
    slots.take(1, 0)
    taken = []
    waiter = threading.Thread(target=lambda: taken.append(slots.take(1, 10)))
    waiter.start()
    slots.give(1)
    waiter.join(10)
    assert taken == [1]


def test_closing_wakes_who_waits_with_nothing():
    slots = Slots(1)
    slots.take(1, 0)
    taken = []
    waiter = threading.Thread(target=lambda: taken.append(slots.take(1, 10)))
    waiter.start()
    slots.close()
    waiter.join(10)
    assert taken == [0]


def test_many_takers_never_hold_more_than_there_is():
    slots, most, lock = Slots(5), [0], threading.Lock()

    def take_and_give():
        for _ in range(200):
            count = slots.take(3, 10)
            with lock:
                most[0] = max(most[0], slots.in_use)
            slots.give(count)

    threads = [threading.Thread(target=take_and_give) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert 0 < most[0] <= 5
    assert slots.in_use == 0
