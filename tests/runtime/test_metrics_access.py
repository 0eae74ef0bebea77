"""Who may read the metrics: by a token, whatever the case in which its scheme is written."""

import pytest

from runtime.metrics_access import may_read


@pytest.mark.parametrize(
    ("sent", "may"),
    [("Bearer t", True), ("bearer t", True), ("BEARER  t", True), ("Basic t", False), ("bearer", False)],
)
def test_the_token_lets_in_by_any_spelling_of_its_scheme(sent, may):
    assert may_read({"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": sent}, "t") is may
