"""Freezes what the OpenAPI document promises: tests/api/openapi.txt changes only together with the API."""

from pathlib import Path

import pytest

from tests.support.openapi import contract, dangling_references

FROZEN = Path(__file__).with_name("openapi.txt")


@pytest.fixture
def document(bare):
    return bare.get("/api/openapi.json").json


def test_the_paths_fields_and_responses_are_those_promised(document):
    assert contract(document) == FROZEN.read_text(), "if the change is meant: make openapi"


def test_every_reference_names_something_that_the_document_defines(document):
    assert dangling_references(document) == []


def test_a_field_that_is_gone_is_noticed(document):
    del document["components"]["schemas"]["Firing"]["properties"]["lateness_ms"]

    assert contract(document) != FROZEN.read_text()
