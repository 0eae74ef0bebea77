"""Addresses of listeners: which are taken, and what they are split into."""

import pytest

from models.rules.listener_urls import host_of, is_listener_url, split_listener_url
from models.rules.url_rules import UrlRefused


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("listener://laptop", ("laptop", "/")),
        ("listener://laptop/", ("laptop", "/")),
        ("listener://a/x/y?b=1&c=%zz#part", ("a", "/x/y?b=1&c=%zz")),
        ("listener://a?b=1", ("a", "/?b=1")),
        ("listener://a/é", ("a", "/%C3%A9")),
        ("listener://a//evil.example/", ("a", "//evil.example/")),
        (f"listener://{'a' * 32}/", ("a" * 32, "/")),
    ],
)
def test_an_address_has_a_name_and_a_path(url, parts):
    assert split_listener_url(url) == parts


@pytest.mark.parametrize(
    "url",
    [
        "listener://",
        "listener:///x",
        "listener://Laptop/",
        "listener://-a/",
        "listener://a-/",
        "listener://a.b/",
        "listener://a:80/",
        "listener://me@a/",
        "listener://a?@evil",
        f"listener://{'a' * 33}/",
        "listener://a/x y",
        "listener://a/\r\nX: 1",
        "listener://a/" + "x" * 8192,
    ],
)
def test_what_is_no_such_address_is_refused(url):
    with pytest.raises(UrlRefused, match=r"must .+, got"):
        split_listener_url(url)


@pytest.mark.parametrize("url", ["https://a/", "Listener://a/", "listener:a", "", None, 1])
def test_other_texts_are_not_meant_for_a_listener(url):
    assert not is_listener_url(url)


def test_the_host_of_a_listener_is_a_name_of_its_own():
    assert host_of("listener://laptop/x") == "laptop.listener"
    assert host_of("https://Example.com/x") == "example.com"
