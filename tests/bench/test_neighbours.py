"""The slow host answers every request, after a random time."""

import time
import urllib.request

from bench.neighbours import HANGING_HOST, dawdling_host


def test_a_dawdling_host_answers_after_the_shortest_time_and_not_before():
    with dawdling_host(0.2, 0.3) as port:
        began = time.monotonic()
        for _ in range(2):
            assert urllib.request.urlopen(f"http://{HANGING_HOST}:{port}/", timeout=60).status == 200
        assert time.monotonic() - began >= 0.4
