"""Sets the clock of a process ahead by CLOCK_AHEAD_MS milliseconds, or back: for Python programs that have this folder
on their PYTHONPATH. Python imports it by itself at the start. Steady clocks go on as they are."""

import os
import time

AHEAD_NS = int(os.environ["CLOCK_AHEAD_MS"]) * 1_000_000
wall_ns = time.time_ns

time.time_ns = lambda: wall_ns() + AHEAD_NS
time.time = lambda: (wall_ns() + AHEAD_NS) / 1e9
