"""Makes Python's garbage collector run rarely.

Delivering a job makes about a hundred objects that live until its result is recorded, and hardly any cycles. With
Python's thresholds the collector walked those objects and all modules, for 4 % of a worker's CPU. Imports took a tenth
longer, as every new class and function was walked several times.
"""

import gc


def collect_rarely() -> None:
    """From now on, collect the youngest objects once in 20,000. The packages that start processes call it first."""
    gc.set_threshold(20_000, 20, 50)


def exempt_all() -> None:
    """Exempt the objects that exist by now from every collection. They are not collected first: of a hundred thousand
    objects that takes 50 ms, and hardly any is garbage."""
    gc.freeze()
