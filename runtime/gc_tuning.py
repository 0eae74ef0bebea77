"""Owns how often Python looks for garbage in cycles.

Delivering a job makes some hundred objects that live until its result is recorded, and no cycles to speak of. At
Python's thresholds the collector walked them, and with them all modules, for 4 % of a worker's CPU.
"""

import gc


def collect_rarely() -> None:
    """Leave what is there by now, which stays, out of every search; search the young once in 20,000 objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
