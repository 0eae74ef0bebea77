"""A message in the form of each service, within its limits."""

import pytest

from models.webhooks.channel_forms import MAX_DISCORD_CHARS, MAX_SLACK_CHARS, discord, slack


def test_discord_gets_author_and_content_and_pings_nobody():
    assert discord("alex", "hi @everyone") == {
        "content": "**alex**: hi @everyone",
        "allowed_mentions": {"parse": []},
        "username": "alex",
    }


def test_marks_in_the_author_are_no_markup_for_discord():
    assert discord("a*b_c\\", "x")["content"] == "**a\\*b\\_c\\\\**: x"


@pytest.mark.parametrize("author", ["", "  ", "Discord bot", "clyde", "everyone", "@here"])
def test_a_name_that_discord_refuses_is_left_out(author):
    assert "username" not in discord(author, "x")


def test_what_is_too_long_for_discord_is_cut():
    form = discord("a" * 100, "x" * 5000)
    assert len(form["content"]) == MAX_DISCORD_CHARS
    assert form["content"].endswith("x…")
    assert form["username"] == "a" * 79 + "…"


def test_slack_gets_text_with_its_marks_escaped():
    assert slack("alex", "1 < 2 & <!channel>") == {"text": "*alex*: 1 &lt; 2 &amp; &lt;!channel&gt;"}


@pytest.mark.parametrize("character", ["x", "&", "<"])
def test_what_is_too_long_for_slack_is_cut_between_two_entities(character):
    text = slack("a", character * 50_000)["text"]
    assert len(text) <= MAX_SLACK_CHARS
    assert text.endswith({"x": "x…", "&": "&amp;…", "<": "&lt;…"}[character])


def test_what_just_fits_is_not_cut():
    assert slack("a", "x" * (MAX_SLACK_CHARS - 5))["text"].endswith("xx")
    assert discord("a", "x" * (MAX_DISCORD_CHARS - 7))["content"].endswith("xx")


@pytest.mark.parametrize("author", ["", "a", "ab", "abc", "abcd"])
def test_what_is_cut_for_slack_leaves_out_no_entity_that_fits(author):
    text = slack(author, "&" * 10_000)["text"]
    assert MAX_SLACK_CHARS - len("&amp;") < len(text) <= MAX_SLACK_CHARS
