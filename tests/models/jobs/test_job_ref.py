"""How a message names a job: as processes of older versions write and read it."""

import pytest

from models.jobs.job_ref import JobRef, ref_of


@pytest.mark.parametrize(
    ("kind", "account_on_the_wire"), [("request", 5), ("callback", -5), ("event", -5), ("channel", -5)]
)
def test_the_account_of_a_follow_up_is_negated_on_the_wire_alone(kind, account_on_the_wire):
    ref = ref_of(7, 5, "a.example", kind)

    assert ref == JobRef(7, 5, "a.example", kind != "request")
    assert ref.to_message() == (7, account_on_the_wire, "a.example")
    assert JobRef.from_message([7, account_on_the_wire, "a.example"]) == ref


@pytest.mark.parametrize(("timeout_ms", "is_long"), [(900_000, False), (900_001, True)])
def test_a_long_job_has_a_fourth_field_and_others_have_none(timeout_ms, is_long):
    ref = ref_of(7, 5, "a.example", "request", timeout_ms)

    assert ref.is_long == is_long
    assert ref.to_message() == ((7, 5, "a.example", 1) if is_long else (7, 5, "a.example"))
    assert JobRef.from_message(ref.to_message()) == ref
