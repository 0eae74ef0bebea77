"""Makes Python's garbage collector run rarely.

Delivering a job makes about a hundred objects that live until its result is recorded, and hardly any cycles. With
Python's thresholds the collector walked those objects and all modules, for 4 % of a worker's CPU.
"""

import gc


def collect_rarely() -> None:
    """Exempt the objects that exist by now from every collection; collect the youngest once in 20,000 objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
