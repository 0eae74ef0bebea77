"""The requests of the benchmark of TLS are all answered, and its figures count late looks."""

import pytest

from bench.targets import Target
from bench.tls import certificate, measured, named


@pytest.mark.parametrize("path", ["/ok", "/once"])
def test_each_request_over_tls_is_answered(tmp_path, path):
    pem_file, ca_file = certificate(tmp_path)
    with Target(pem_file) as target:
        assert measured(target.port, path, 5, ca_file)["answered"] == 5


def test_a_look_counts_as_late_from_more_than_five_milliseconds():
    figures = named({"cpu_us": 70.0, "looks_s": [0.0, 0.005, 0.006, 0.001]})

    assert figures["looks over 5 ms late", ", %"] == 25
    assert (figures["CPU a request", ", us"], figures["p99 of the lag", ", ms"]) == (70, 6)
