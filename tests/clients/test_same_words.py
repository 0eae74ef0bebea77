"""The client names the states and the kinds of jobs as the server does."""

from typing import get_args

from booper_client import fields
from models.jobs import job_kinds, states


def test_the_client_knows_each_state_of_a_job():
    assert set(get_args(fields.State)) == set(states.STATES)


def test_the_client_knows_each_kind_of_job():
    assert set(get_args(fields.Kind)) == set(job_kinds.KINDS)
