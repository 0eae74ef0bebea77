"""The query of a job is appended to its URL."""

import pytest

from models.rules.query_strings import with_query


@pytest.mark.parametrize(
    ("url", "query", "joined"),
    [
        ("https://a.example/", None, "https://a.example/"),
        ("https://a.example/#f", {}, "https://a.example/#f"),
        ("https://a.example/", {"a": 1}, "https://a.example/?a=1"),
        ("https://a.example/?x=1#f", {"a": "b c"}, "https://a.example/?x=1&a=b+c"),
        ("https://a.example/p#a?b", {"a": 1}, "https://a.example/p?a=1"),
        ("https://a.example/p?#a", {"a": 1}, "https://a.example/p?&a=1"),
        ("https://a.example/", {"a": [1, None, True]}, "https://a.example/?a=1&a=&a=true"),
        ("https://a.example/", {"a": {"b": {"c": "é"}}}, "https://a.example/?a%5Bb%5D%5Bc%5D=%C3%A9"),
        ("https://a.example/", {"a": [{"b": 1}], "e": []}, "https://a.example/?a=%7B%22b%22%3A1%7D"),
    ],
)
def test_members_follow_the_url_s_own(url, query, joined):
    assert with_query(url, query) == joined
