"""Freezes every number that has a name: tests/numbers.txt changes only with a limit, a duration or a default."""

import re

import pytest

from tests.support.frozen_numbers import FROZEN, ROOMS, numbers_in, numbers_of


@pytest.mark.parametrize("room", ROOMS)
def test_no_number_changes_unnoticed(room):
    frozen = re.findall(rf"^{room}/.*\n", FROZEN.read_text(), re.MULTILINE)

    assert numbers_of(room) == "".join(frozen), "if the change is meant: make numbers"


@pytest.mark.parametrize(
    ("source", "listed"),
    [
        ("KEPT_US = 30 * DAY", ["KEPT_US = 30 * DAY"]),
        ("A, B = 2.5, 3", ["(A, B) = (2.5, 3)"]),
        ("def find(now, *, limit=10, whole: bool = True): ...", ["find(limit) = 10", "find(whole) = True"]),
        (
            "class Store:\n    rows: int = 25\n    def find(self, name, most=5): ...",
            ["Store.rows = 25", "Store.find(most) = 5"],
        ),
        (f"TEXTS = {{404: '{'x' * 80}', 410: ''}}", ["TEXTS: 404, 410"]),
        ("NAME = 'x'\ndef find(name='x', at=None):\n    place = 1", []),
    ],
)
def test_numbers_with_names_are_listed_and_no_others(source, listed):
    assert list(numbers_in(source)) == listed
