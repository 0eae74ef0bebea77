"""Says how many random schedules the tests look at: BOOPER_TEST_SCHEDULES=full (`make schedules-full`) asks for all of
them, otherwise for a part that is the same each time."""

import os

FULL = os.environ.get("BOOPER_TEST_SCHEDULES") == "full"


def cases(quick, full):
    return full if FULL else quick
