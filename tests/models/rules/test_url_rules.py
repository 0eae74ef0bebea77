"""S-NAME and S-URL: which URLs may be ordered, and how they are read."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.url_rules import MAX_NAME_CHARS, MAX_URL_CHARS, UrlRefused, check_url, origins, split_url

NUMBERS = """
127.1 127.0.1 0177.0.0.1 017700000001 0x7f.0.0.1 0x7f000001 0X7F000001 2130706433 127.000.000.001 0 0x0 0x
4294967295 2852039166 0xA9FEA9FE 169.254.43518 383.256.256.257 256.0.0.1 1.2.3 1.2.3.4.5 127.0.0.0x1 example.1
①②⑦.⓪.⓪.① １２７.0.0.1 127｡0｡0｡1 ๑๒๗.0.0.1 127.0.0.１ foo.0x1f 127.0.0.1..
"""

NAMES = [
    "localhost\0.example.com",
    "127.0.0.1\0.example.com",
    "a b.example",
    "a\tb.example",
    "a\nb.example",
    "exa%6dple.com",
    "%31%32%37.0.0.1",
    "a\\b.example",
    "a..b",
    ".a.example",
    "a.example..",
    ".",
    "-",
    "a-.example",
    "x" * 64 + ".example",
    ("abcdefg." * 40) + "example",
    "a\u00adb\u2028.example",
    "exam\u200bple..com",
    "a^b.example",
    "a|b",
    "a<b>.example",
    'a"b.example',
    "a;b",
    "a,b.example",
    "a$b",
    "xn--a.example",
    "xn--.example",
    "\u2603\ufe0f\u200d",
    "[::1%25eth0]",
    "[::1%eth0]",
    "[::1",
    "::1]",
    "[v1.fe80::a]",
    "[127.0.0.1]",
    "[]",
    "[::1]x",
    "[::1].example",
    "[1::2::3]",
]

URLS = [
    r"http://127.1.1.1:80\@127.2.2.2:80/",
    r"http://127.1.1.1:80\@@127.2.2.2:80/",
    r"http://127.1.1.1:80:\@@127.2.2.2:80/",
    r"http://127.1.1.1:80#\@127.2.2.2:80/",
    "http://1.1.1.1 &@2.2.2.2# @3.3.3.3/",
    "http://google.com:80+&@127.88.23.245:22/#+@google.com:80/",
    "http://google.com:80?@127.88.23.245:22/",
    "http://example.com;@127.0.0.1/",
    "http://example.com#@127.0.0.1/",
    "http://example.com?@127.0.0.1/",
    "http:/127.0.0.1/",
    "http:///127.0.0.1/",
    "http:127.0.0.1/",
    "http:\\\\127.0.0.1/",
    "//127.0.0.1/",
    "127.0.0.1/",
    "http://127.0.0.1:80:80/",
    "http://0000::1:80/",
    "http://localhost:+11211aaa",
    "http://localhost:00011211aaaa",
    "http://example.com:0/",
    "http://example.com:-1/",
    "http://example.com:65536/",
    "http://example.com:/",
    "http://example.com:800000000000000000000000000/",
    "http://example.com:8 0/",
    "http://example.com:٨٠/",
    "http://example.com:080/",
    "http://example.com:80%30/",
    " http://example.com/",
    "http://example.com/ ",
    "\x01http://example.com/",
    "http://example.com/\r\nX: y",
    "http://example.com/a b",
    "http://example.com/\x7f",
    "http://example.com/\u00a0",
    "http://example.com/\ud800",
    "http://user:pass@example.com/",
    "http://user@example.com/",
    "http://@example.com/",
    "http://:@example.com/",
    "http://%75ser@example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:11211/x",
    "dict://127.0.0.1:11211/",
    "ftp://example.com/",
    "ldap://localhost/",
    "jar:http://example.com!/",
    "netdoc:///etc/passwd",
    "data:text/plain,x",
    "javascript:alert(1)",
    "unix:/var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "ws://example.com/",
    "httpx://example.com/",
    "h\u0442tp://example.com/",
    "",
    "http",
    "http:",
    "http://",
    "https://?",
    "https://#",
    "https:///",
    "https://:443/",
    "http://" + "a" * 9000 + "/",
]


@pytest.mark.parametrize("host", NUMBERS.split())
def test_s_name_a_host_that_ends_in_a_number_is_refused(host):
    """A host that ends in a number is refused unless it is a plain IPv4 address."""
    with pytest.raises(UrlRefused, match="must "):
        check_url(f"http://{host}/", allow_http=True)


@pytest.mark.parametrize("host", NAMES)
def test_s_name_a_host_that_parsers_read_differently_is_refused(host):
    with pytest.raises(UrlRefused, match="must "):
        check_url(f"http://{host}/", allow_http=True)


@pytest.mark.parametrize("url", URLS)
def test_s_url_an_ambiguous_url_is_refused(url):
    """A URL that could be read in two ways is refused."""
    with pytest.raises(UrlRefused, match="must .*, got"):
        check_url(url, allow_http=True)


@pytest.mark.parametrize("url", [None, 5, b"http://example.com/", ["http://example.com/"]])
def test_s_url_what_is_no_string_is_refused(url):
    with pytest.raises(UrlRefused, match="must be a string, got "):
        check_url(url, allow_http=True)


@pytest.mark.parametrize(
    ("url", "host", "port", "host_header"),
    [
        ("https://example.com", "example.com", 443, "example.com"),
        ("HTTPS://EXAMPLE.com:443/", "example.com", 443, "example.com"),
        ("https://example.com.:8443/", "example.com", 8443, "example.com:8443"),
        ("http://example.com:443/", "example.com", 443, "example.com:443"),
        ("http://127.0.0.1:65535/", "127.0.0.1", 65535, "127.0.0.1:65535"),
        ("http://127.0.0.1./", "127.0.0.1", 80, "127.0.0.1"),
        ("http://[::1]:80/", "::1", 80, "[::1]"),
        ("http://[::FFFF:1.2.3.4]:8/", "1.2.3.4", 8, "1.2.3.4:8"),
        ("http://bücher.example/", "xn--bcher-kva.example", 80, "xn--bcher-kva.example"),
        ("http://straße.example/", "xn--strae-oqa.example", 80, "xn--strae-oqa.example"),
        ("http://XN--bcher-KVA.example/", "xn--bcher-kva.example", 80, "xn--bcher-kva.example"),
        ("http://ｌocalhost/", "localhost", 80, "localhost"),
        ("http://web_1/", "web_1", 80, "web_1"),
        ("http://0x7f.example/", "0x7f.example", 80, "0x7f.example"),
    ],
)
def test_s_url_a_good_url_is_read_as_its_host_and_port(url, host, port, host_header):
    target = split_url(url)
    assert (target.host, target.port, target.host_header) == (host, port, host_header)


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("[::ffff:9.9.9.9]", "9.9.9.9"),
        ("[::FFFF:909:909]", "9.9.9.9"),
        ("[0:0:0:0:0:ffff:9.9.9.9]", "9.9.9.9"),
        ("9.9.9.9.", "9.9.9.9"),
        ("[2620:00FE:0:0::FE]", "2620:fe::fe"),
        ("EXAMPLE.com.", "example.com"),
    ],
)
def test_a_host_has_the_same_name_however_it_is_written(written, host):
    assert split_url(f"https://{written}/").host == host


@pytest.mark.parametrize("written", ["[::9.9.9.9]", "[::ffff:0:9.9.9.9]", "[64:ff9b::9.9.9.9]", "[::ffff:9.9.9.8]"])
def test_an_address_that_need_not_lead_to_the_same_machine_is_another_host(written):
    assert split_url(f"https://{written}/").host != "9.9.9.9"


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("", "/"),
        ("?a=b", "/?a=b"),
        ("/%zz?%zz=%2f%2F&+", "/%zz?%zz=%2f%2F&+"),
        ("/a/../b/./c//d;e,f:g@h", "/a/../b/./c//d;e,f:g@h"),
        ('/[{}|\\^`"<>]?[]{}', "/[%7B%7D%7C%5C%5E%60%22%3C%3E]?[]%7B%7D"),
        ("/p?q#fragment?x", "/p?q"),
        ("/ü?ü=✓", "/%C3%BC?%C3%BC=%E2%9C%93"),
    ],
)
def test_h6_the_path_and_query_are_asked_for_as_they_were_given(rest, expected):
    assert split_url(f"https://example.com{rest}").request_target == expected


def test_a_plain_http_url_is_refused_where_only_https_is_allowed():
    with pytest.raises(UrlRefused, match="must be an https URL, got 'http://…'"):
        check_url("http://example.com/?token=secret", allow_http=False)
    check_url("https://example.com/", allow_http=False)


@pytest.mark.parametrize(
    "url", ["https://u:canary@h/", "https://h:0/?k=canary", "ftp://h/canary", "https://h/canary b"]
)
def test_b7_a_refusal_repeats_no_password_path_or_query(url):
    with pytest.raises(UrlRefused) as raised:
        check_url(url, allow_http=False)
    assert "canary" not in str(raised.value)


@given(st.text(max_size=60) | st.from_regex(r"https?://[^/]{1,40}(:[0-9]{1,6})?(/.*)?", fullmatch=True))
def test_s_url_any_text_is_refused_or_a_sound_target(text):
    """Any text is either refused or read as a sound target."""
    try:
        target = split_url(text)
    except UrlRefused:
        return

    assert target.host.isascii()
    assert 1 <= target.port <= 65535
    assert target.request_target.isascii()
    assert target.request_target.startswith("/")

    if target.host.rpartition(".")[2].isdigit():
        ipaddress.IPv4Address(target.host)


def test_the_origins_of_urls_are_their_hosts_and_ports():
    assert origins("https://Booper.example., http://10.0.0.1:8080/") == {("booper.example", 443), ("10.0.0.1", 8080)}
    assert origins("") == frozenset()


@pytest.mark.parametrize("text", ["booper.example", "https://booper.example/api", "https://a.example https://", "*"])
def test_what_is_no_url_without_a_path_is_no_origin(text):
    with pytest.raises(UrlRefused, match="must "):
        origins(text)


def test_a_url_may_be_as_long_as_allowed_and_no_longer():
    url = "https://a.example/".ljust(MAX_URL_CHARS, "x")
    assert split_url(url).host == "a.example"
    with pytest.raises(UrlRefused, match=f"at most {MAX_URL_CHARS} characters, got {MAX_URL_CHARS + 1}"):
        split_url(f"{url}x")


@pytest.mark.parametrize("end", ["", "."])
def test_a_host_may_be_as_long_as_names_are_and_no_longer(end):
    name = f"{'a' * 61}.{'b' * 63}.{'c' * 63}.{'d' * 63}"
    assert len(name) == MAX_NAME_CHARS == 253
    assert split_url(f"https://{name}{end}/").host == name
    with pytest.raises(UrlRefused):
        split_url(f"https://a{name}{end}/")
