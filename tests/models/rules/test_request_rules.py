"""H1 to H5: which headers a client may order."""

import pytest

from models.rules.request_rules import HeadersRefused, check_headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer x"},
        {"X-Empty": ""},
        {"X-Latin": "é"},
        {"X-Euro": "€"},
        {"X-Tab": "a\tb"},
        {"User-Agent": "mine"},
        {"Content-Type": "application/json", "Cookie": "a=b", "Accept": "*/*", "X-Forwarded-For": "1.1.1.1"},
    ],
)
def test_h1_ordinary_headers_pass(headers):
    check_headers(headers)


@pytest.mark.parametrize(
    "value",
    ["a\r\nX: y", "a\nb", "a\rb", "a\0b", " secret", "secret ", "\tsecret", "a\x7f", "a\x1b", "\ud800"],
)
def test_h1_a_value_that_would_break_the_request_is_refused_unquoted(value):
    """A value that would break or bend the request is refused without being quoted."""
    with pytest.raises(HeadersRefused, match="X-A: must .*, got ") as raised:
        check_headers({"X-A": value})
    assert value not in str(raised.value)


@pytest.mark.parametrize("value", [None, 5, True, ["a"], {"a": "b"}])
def test_h1_a_value_that_is_no_string_is_refused(value):
    with pytest.raises(HeadersRefused, match="must be a string, got "):
        check_headers({"X-A": value})


@pytest.mark.parametrize("name", ["", " ", "X Y", "X:", "X\r\nY", "X\0", "Ünamed", "X\t", ":path", "X(Y)", "X\n"])
def test_h1_a_name_that_is_no_token_is_refused(name):
    with pytest.raises(HeadersRefused, match="must be named with"):
        check_headers({name: "x"})


FORBIDDEN = """
Host Content-Length Transfer-Encoding TE Trailer Connection Keep-Alive Proxy-Authorization Proxy-Connection
Proxy-X Upgrade Expect HTTP2-Settings webhook-id webhook-signature Webhook-Timestamp Booper-Hop Booper-Attempt
Metadata Metadata-Flavor X-aws-ec2-metadata-token X-aws-ec2-metadata-token-ttl-seconds
X-Google-Metadata-Request X-aliyun-ecs-metadata-token X-aliyun-ecs-metadata-token-ttl-seconds Metadata-Token
Metadata-Token-Expiry-Seconds Booper_Hop Content_Length Transfer_Encoding webhook_signature Proxy_Authorization
"""


@pytest.mark.parametrize("name", (FORBIDDEN + FORBIDDEN.lower() + FORBIDDEN.upper()).split())
def test_h2_a_reserved_header_is_refused_in_any_case(name):
    """A header that frames signs or opens metadata is refused in any case."""
    with pytest.raises(HeadersRefused, match="must be another header, .* got "):
        check_headers({name: "x"})


def test_h3_a_header_given_twice_in_different_cases_is_refused():
    with pytest.raises(HeadersRefused, match="x-a: must be given once"):
        check_headers({"X-A": "1", "x-a": "2"})


def test_h5_fifty_headers_pass_and_one_more_does_not():
    fifty = {f"X-{n}": "v" for n in range(50)}
    check_headers(fifty)
    with pytest.raises(HeadersRefused, match="must be at most 50 headers, got 51"):
        check_headers({**fifty, "X-50": "v"})


def test_h5_a_header_may_have_eight_kibibytes():
    """A header of eight kibibytes passes and one byte more does not."""
    check_headers({"X-A": "v" * (8192 - 3)})
    with pytest.raises(HeadersRefused, match="X-A: must be at most 8192 bytes with its name, got 8193"):
        check_headers({"X-A": "v" * (8192 - 2)})
    with pytest.raises(HeadersRefused, match="got 8203"):
        check_headers({"X-A": "€" * 2733 + "v"})


def test_h5_all_headers_together_are_at_most_thirty_two_kibibytes():
    with pytest.raises(HeadersRefused, match="must be at most 32768 bytes together"):
        check_headers({f"X-{n}": "v" * 8000 for n in range(5)})


def test_h5_thirty_two_kibibytes_together_pass_and_one_byte_more_does_not():
    full = {f"X-{n}": "é" * 4093 for n in range(4)} | {"Y": "v" * (32_768 - 4 * 8189 - 1)}

    check_headers(full)
    with pytest.raises(HeadersRefused, match="must be at most 32768 bytes together, got 32769"):
        check_headers(full | {"Y": full["Y"] + "v"})


def test_every_bad_header_is_named_at_once():
    with pytest.raises(HeadersRefused) as raised:
        check_headers({"Host": "x", "X-A": "a\nb", "X-Good": "x"})
    assert set(raised.value.errors) == {"Host", "X-A"}
