"""H4: which methods a client may order."""

import pytest

from api.requests.job_values import read_method


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "post", "Get"])
def test_h4_the_usual_methods_pass_in_any_case(method):
    assert read_method(method) == method.lower()


@pytest.mark.parametrize(
    "method", ["", "CONNECT", "TRACE", "GET ", "G ET", "PO\u017fT", "GET\r\nX: y", None, 5, "QUERY"]
)
def test_h4_any_other_method_is_refused(method):
    with pytest.raises(ValueError, match="^$"):
        read_method(method)
