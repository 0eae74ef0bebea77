"""H6, H7, I13: what arrives is what was ordered, byte for byte."""

import pytest

from runtime.version import __version__
from tests.support.scripted_receivers import OK, answering
from workers.transport.wire_format import Request


@pytest.fixture
def arrived(receiver, send):
    """Send one request and give the bytes that arrived."""

    def arrived_of(path="/", **kwargs) -> bytes:
        target = receiver(answering(OK))
        send(target.url(path), **kwargs)
        return target.requests[0].replace(str(target.port).encode(), b"PORT")

    return arrived_of


def test_h7_a_plain_get_carries_only_what_was_promised(arrived):
    agent = f"Booper/{__version__}".encode()
    assert arrived("/a") == (
        b"GET /a HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nUser-Agent: " + agent + b"\r\nAccept-Encoding: identity\r\n\r\n"
    )


@pytest.mark.parametrize("path", ["/%zz?%zz=%2f%2F&+", "/a/../b//c;d?e=[f]~!$'()*", "/%00%ff?%0d%0a"])
def test_h6_the_path_and_query_arrive_as_they_were_given(arrived, path):
    assert arrived(path).startswith(b"GET " + path.encode() + b" HTTP/1.1\r\n")


def test_t13_characters_that_no_url_may_hold_arrive_percent_encoded(arrived):
    """Strict servers answered 400, twenty times."""
    sent = arrived('/{a}|^`?b="<c>\\&%zz')
    assert sent.startswith(b"GET /%7Ba%7D%7C%5E%60?b=%22%3Cc%3E%5C&%zz HTTP/1.1\r\n")


def test_h6_a_fragment_stays_here(arrived):
    assert arrived("/a?b#c").startswith(b"GET /a?b HTTP/1.1\r\n")


def test_h6_letters_beyond_ascii_arrive_as_percent_encoded_utf8(arrived):
    assert arrived("/ü").startswith(b"GET /%C3%BC HTTP/1.1\r\n")


@pytest.mark.parametrize("body", [b"{}", bytes(range(256)), b"\r\n\r\n0\r\n\r\n", b"x" * 300_000, b"\xff\xfe\x00"])
def test_h6_the_body_arrives_unchanged_with_its_length(arrived, body):
    head, _, rest = arrived(method="POST", body=body).partition(b"\r\n\r\n")
    assert rest == body
    assert f"\r\nContent-Length: {len(body)}".encode() in head


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_h7_a_method_without_its_usual_body_says_so(arrived, method):
    """A method that usually has a body says when it has none."""
    assert b"\r\nContent-Length: 0\r\n" in arrived(method=method)


@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS", "HEAD"])
def test_h7_a_method_that_usually_has_no_body_says_nothing_of_one(arrived, method):
    assert b"Content-Length" not in arrived(method=method)


def test_a_request_knows_the_headers_that_went_out(receiver, transport):
    target = receiver(answering(OK))
    request = Request("POST", target.url(), {"X-A": "1"}, b"{}", 30_000)

    transport().send(request)

    head = target.requests[0].partition(b"\r\n\r\n")[0].decode()
    assert [f"{name}: {value}" for name, value in request.sent_headers.items()] == head.split("\r\n")[1:]
    assert len(request.sent_headers) == 5


def test_h7_a_given_user_agent_and_encoding_replace_ours(arrived):
    head = arrived(headers={"user-agent": "mine", "accept-encoding": "gzip"})
    assert b"\r\nuser-agent: mine\r\naccept-encoding: gzip\r\n\r\n" in head
    assert b"Booper" not in head


def test_headers_keep_their_case_and_order(arrived):
    assert b"\r\nX-b: 1\r\nx-A: 2\r\n" in arrived(headers={"X-b": "1", "x-A": "2"})


def test_t15_a_header_arrives_as_utf8(arrived):
    assert "\r\nX-N: Zoë €\r\n".encode() in arrived(headers={"X-N": "Zoë €"})


def test_a_method_given_in_lower_case_is_sent_in_upper_case(arrived):
    assert arrived(method="delete").startswith(b"DELETE / HTTP/1.1\r\n")


def test_the_host_of_an_ipv6_target_stands_in_brackets(receiver, send):
    target = receiver(answering(OK), host="::1")
    assert send(target.url()).status_code == 200
    assert f"\r\nHost: [::1]:{target.port}\r\n".encode() in target.requests[0]


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("CONNECT", {}),
        ("GET\r\nX: y", {}),
        ("", {}),
        ("GET", {"Host": "other"}),
        ("GET", {"content-length": "5"}),
        ("GET", {"Transfer-Encoding": "chunked"}),
        ("GET", {"Proxy-Authorization": "x"}),
        ("GET", {"X-A": "1", "x-a": "2"}),
        ("GET", {"X": "a\r\nY: b"}),
        ("GET", {"X": "a\0b"}),
        ("GET", {"X Y": "a"}),
        ("GET", {"X\r\nY": "a"}),
        ("GET", {"": "a"}),
        ("GET", {"X": "\ud800"}),
    ],
)
def test_h1_what_would_break_the_request_is_refused_unsent(receiver, send, method, headers):
    target = receiver(answering(OK))
    refused = send(target.url(), method=method, headers=headers)
    assert refused.reason == "invalid_request"
    assert not target.connections


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "http://user:canary@127.0.0.1/", "http://127.1/", "http://a b/?canary"]
)
def test_s_url_a_stored_url_that_is_forbidden_is_refused_unsent(send, url):
    """A URL that should never have been stored is refused unsent."""
    refused = send(url)
    assert refused.reason == "blocked_url"
    assert "canary" not in refused.detail


@pytest.mark.parametrize("variable", ["http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
def test_s_time_proxy_variables_are_ignored(receiver, send, monkeypatch, variable):
    proxy, target = receiver(answering(OK)), receiver(answering(OK))
    monkeypatch.setenv(variable, proxy.url())
    assert send(target.url()).status_code == 200
    assert (len(proxy.connections), len(target.connections)) == (0, 1)


def test_s_time_a_netrc_is_ignored(receiver, send, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login canary password canary\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    target = receiver(answering(OK))
    send(target.url())
    assert b"authorization" not in target.requests[0].lower()


def test_h9_a_cookie_is_not_kept_for_the_next_request(receiver, transport):
    from workers.transport.wire_format import Request

    target = receiver(answering(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"))
    sender = transport()
    for _ in range(2):
        sender.send(Request("GET", target.url(), {}, None, 5000))
    assert len(target.connections) == 1
    assert b"cookie" not in target.requests[1].lower()
