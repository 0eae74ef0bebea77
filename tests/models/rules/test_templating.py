"""The dynamic fields of bodies: what is put in, what an answer keeps, and that neither grows without limit."""

import json

import pytest

from models.rules import templating
from models.rules.templating import MAX_BODY_BYTES, MAX_MEMORY_BYTES, TooLarge, answer_of, merge_state, render

PREVIOUS = {"a": {"b": [10, {"c": None}]}, "n": 1.5, "t": True}
STATE = {"x": [1, 2], "deep": {"y": "z"}, "0": "zero"}


def body(**members):
    return json.loads(render(members, 7, PREVIOUS, STATE))


def test_three_members_are_added():
    assert body(author="alex") == {"author": "alex", "$job": {"id": 7}, "$previous": PREVIOUS, "$state": STATE}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$previous.a.b", [10, {"c": None}]),
        ("$previous.a.b.0", 10),
        ("$previous.a.b.1.c", None),
        ("$previous.n", 1.5),
        ("$previous.t", True),
        ("$state.x.1", 2),
        ("$state.0", "zero"),
        ("$state.x.2", None),
        ("$state.x.-1", None),
        ("$state.x.01", None),
        ("$state.missing.y", None),
        ("$state.deep.y.z", None),
    ],
)
def test_a_path_becomes_the_value_there_with_its_own_type(text, value):
    assert body(v=text)["v"] == value
    assert body(v=[{"w": text}])["v"] == [{"w": value}]


@pytest.mark.parametrize("text", ["$state", "$previous", "$state.", "a $state.x", "$other.x", "$job.id", "$state..x"])
def test_other_texts_stay_as_they_are(text):
    assert body(v=text)["v"] == text


def test_a_value_put_in_is_not_read_for_paths_again():
    assert json.loads(render({"v": "$state.s"}, 1, {}, {"s": "$state.t", "t": 1}))["v"] == "$state.t"


def test_names_are_not_replaced_and_ours_win_over_the_body_s():
    assert body(**{"$state.x": 1, "$job": "mine"})["$state.x"] == 1
    assert body(**{"$job": "mine"})["$job"] == {"id": 7}


def test_previous_may_be_of_any_kind():
    assert json.loads(render({"v": "$previous.0"}, 1, ["a"], {}))["v"] == "a"
    assert json.loads(render({"v": "$previous.a"}, 1, "text", {}))["v"] is None


def test_a_body_that_would_grow_too_large_is_not_built():
    """A body that would grow too large is refused before it is built."""
    state = {"big": "x" * 60_000}
    with pytest.raises(TooLarge, match=f"at most {MAX_BODY_BYTES} bytes"):
        render({"v": ["$state.big"] * 40_000}, 1, {}, state)


def test_a_body_may_be_as_large_as_allowed_and_no_larger():
    room = MAX_BODY_BYTES - len(render({"v": ""}, 1, {}, {}))
    assert len(render({"v": "x" * room}, 1, {}, {})) == MAX_BODY_BYTES
    with pytest.raises(TooLarge, match=f"at most {MAX_BODY_BYTES} bytes"):
        render({"v": "x" * (room + 1)}, 1, {}, {})


def test_a_body_is_measured_in_bytes():
    room = MAX_BODY_BYTES - len(render({"v": ""}, 1, {}, {}))
    assert render({"v": "é" * (room // 2)}, 1, {}, {})
    with pytest.raises(TooLarge, match=f"at most {MAX_BODY_BYTES} bytes"):
        render({"v": "é" * (room // 2 + 1)}, 1, {}, {})


def test_a_body_with_many_small_values_is_built():
    assert json.loads(render({"v": ["$state.n"] * 10_000}, 1, {}, {"n": 1}))["v"] == [1] * 10_000


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b"[1]", [1]),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b"null", None),
        (b"", {}),
        (b" \n", {}),
        (b"plain", "plain"),
        (b"NaN", "NaN"),
        (b"\xff", "\ufffd"),
        (b'{"a": "\x00', '{"a": "\ufffd'),
        (b"[" * 100_000, "[" * 100_000),
        (b'{"a": 1e999}', '{"a": 1e999}'),
        (b'{"$set": {"a": -1e999}}', '{"$set": {"a": -1e999}}'),
        (b'{"a": 1e308}', {"a": 1e308}),
        (b"[" * 990 + b"]" * 990, "[" * 990 + "]" * 990),
    ],
)
def test_an_answer_is_its_json_or_its_text(answer, value):
    assert answer_of(answer) == value


def test_an_answer_deeper_than_allowed_is_a_text():
    """An answer as deep as allowed is a value and a deeper one a text."""
    fits = json.loads("[" * templating.MAX_DEPTH + "]" * templating.MAX_DEPTH)
    assert answer_of(json.dumps(fits).encode()) == fits
    assert answer_of(json.dumps([fits]).encode()) == json.dumps([fits])
    assert answer_of(json.dumps({"a": fits, "b": 1}).encode()) == json.dumps({"a": fits, "b": 1})


@pytest.mark.parametrize("answer", [b'{"a": 1e999}', b"[" * 990 + b"]" * 990, b'"\\ud800"', b"9" * 4300, b"9" * 4301])
def test_whatever_a_target_answers_can_be_written_again(answer):
    written = templating.encoded(answer_of(answer))
    assert json.loads(render({}, 1, json.loads(written), {}))["$previous"] == json.loads(written)


def test_set_is_merged_member_by_member():
    assert merge_state({"a": {"b": 1}, "c": 2}, {"$set": {"a": {"d": 3}}, "e": 4}) == {"a": {"d": 3}, "c": 2}


@pytest.mark.parametrize("answer", [{}, {"set": {"a": 1}}, [], "text", None, 1])
def test_an_answer_without_set_leaves_the_state(answer):
    assert merge_state({"a": 1}, answer) == {"a": 1}


@pytest.mark.parametrize("value", [None, 1, "a", [1]])
def test_set_must_be_an_object(value):
    with pytest.raises(ValueError, match=r"\$set must be an object, got "):
        merge_state({}, {"$set": value})


def test_a_state_may_be_as_large_as_allowed_and_no_larger():
    fits = "x" * (MAX_MEMORY_BYTES - len('{"a":""}'))
    assert merge_state({}, {"$set": {"a": fits}}) == {"a": fits}
    with pytest.raises(TooLarge, match=f"at most {MAX_MEMORY_BYTES} bytes as JSON, got {MAX_MEMORY_BYTES + 1}"):
        merge_state({}, {"$set": {"a": fits + "x"}})


@pytest.mark.parametrize("text", ["\ud800", "\x00"])
def test_what_no_database_keeps_stays_escaped(text):
    written = templating.encoded({"a": text})
    assert json.loads(written) == {"a": text}
    assert written.encode()
    assert "\x00" not in written
