"""A search finds the text that it names and no other: none of its characters stands for others."""

import json

import pytest

from models.database.paging import NEWEST_FIRST, PageRequest
from models.flows import gate_lists, gates
from models.jobs import job_lists
from models.jobs.job_kinds import REQUEST
from models.jobs.searches.job_filter import JobFilter
from models.rules import clock
from models.rules.limits import FLOW
from tests.support.rows import make_job

TEXTS = ("a_b", "axb", "a%b", "a!b", "a!_b", "a!%b", "a\\b", "a'b", "a*b", "a.b", "A_B", "ab")
SOUGHT = ("_", "%", "!", "\\", "'", "*", ".", "a_", "_b", "a!", "!_", "!%", "a_b", "a%b", "A_B")
ALL = PageRequest(NEWEST_FIRST, 100)


def of_gates(account, sought):
    for text in TEXTS:
        gates.ensure(account.id, FLOW, text, clock.now())
    return {gate.key for gate in gate_lists.listed(account.id, FLOW, sought, ALL).rows}


def of_jobs(account, job_filter, columns_of):
    for text in TEXTS:
        make_job(account, **columns_of(text))
    return {job.name for job in job_lists.listed(account.id, job_filter, ALL).rows}


def named(text):
    return {"name": text}


def with_path(text):
    return {"name": text, "args": json.dumps({"url": f"https://a.example/{text}"})}


@pytest.mark.parametrize("sought", SOUGHT)
def test_a_part_of_a_key_is_looked_for_as_it_is_whatever_its_case(account, sought):
    assert of_gates(account, sought) == {text for text in TEXTS if sought.lower() in text.lower()}


@pytest.mark.parametrize("sought", SOUGHT)
def test_a_part_of_a_name_is_looked_for_as_it_is_whatever_its_case(account, sought):
    found_names = of_jobs(account, JobFilter(REQUEST, text=sought), lambda text: named(text) | {"args": "{}"})
    assert found_names == {text for text in TEXTS if sought.lower() in text.lower()}


@pytest.mark.parametrize("sought", SOUGHT)
@pytest.mark.parametrize("field", ["name", "url"])
def test_a_beginning_is_looked_for_as_it_is(account, field, sought):
    begins = sought if field == "name" else f"https://a.example/{sought}"
    found_names = of_jobs(account, JobFilter(REQUEST, **{field: f"{begins}*"}), with_path)
    assert found_names == {text for text in TEXTS if text.startswith(sought)}


@pytest.mark.parametrize("sought", [each for each in SOUGHT if not each.endswith("*")])
def test_a_whole_name_is_looked_for_as_it_is(account, sought):
    assert of_jobs(account, JobFilter(REQUEST, name=sought), named) == {sought} & set(TEXTS)
