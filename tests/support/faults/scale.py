"""How much of the faults one test session takes, and the seed of everything random in it.

BOOPER_TEST_FAULTS=full (`make faults`) makes them all, otherwise a quick part; BOOPER_TEST_MINUTES=n lets random faults
follow one another for so long; BOOPER_TEST_SEED repeats an earlier session's choices.
"""

import os
import random
import secrets

import pytest

FULL = os.environ.get("BOOPER_TEST_FAULTS") == "full"
MINUTES = float(os.environ.get("BOOPER_TEST_MINUTES", "0"))
PATIENCE = 1 if FULL else 3  # times a promised bound: `make test` may run on a busy machine
SEED = int(os.environ.get("BOOPER_TEST_SEED") or secrets.randbelow(1_000_000))

only_full = pytest.mark.skipif(not FULL, reason="only with BOOPER_TEST_FAULTS=full, as `make faults` sets it")


def seeded(name: str) -> random.Random:
    """Chances of one test's own, so that leaving out another test changes nothing."""
    print(f"BOOPER_TEST_SEED={SEED}")
    return random.Random(f"{SEED} {name}")
