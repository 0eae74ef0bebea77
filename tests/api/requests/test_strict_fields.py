"""Our method reads only the fields that were sent; it must give what marshmallow's own method gives."""

import pytest
from marshmallow import Schema, ValidationError

from api.requests.job_fields import JobFields
from tests.support.apps import app_of

URL = "https://shop.example/hook"
DOCUMENTS = [
    {"url": URL},
    {"url": URL, "method": "put", "body": None, "headers": {"A": "b"}, "timeout": 3, "max_attempts": 2},
    {"url": URL, "query": {"a": 1}, "labels": ["x"], "name": "n", "description": "d", "idempotency_key": "k"},
    {"url": URL, "schedule_in": [2, "minutes"], "max_age": 60, "backoff": [1, 2], "redact": ["body"]},
    {"url": URL, "scheduled_at": "2031-01-01T00:00:00Z"},
    {"url": URL, "callback": URL, "failure_callback_url": URL, "webhook": URL},
    {},
    {"url": None},
    {"url": 7, "method": "fetch", "timeout": 0, "max_attempts": "many", "name": 3},
    {"url": URL, "schedule_in": 5, "scheduled_at": "2031-01-01T00:00:00Z", "callback": URL, "callback_url": URL},
    {"url": URL, "unknown": 1, "methodd": "get"},
    {"url": URL, "name": None, "labels": None, "backoff": None, "timeout": None},
]


class ReadByMarshmallow(JobFields):
    _deserialize = Schema._deserialize


def loaded(schema, document):
    """What the schema makes of a document, or its messages."""
    try:
        return schema.load(document)
    except ValidationError as error:
        return error.normalized_messages()


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_fields_are_read_as_marshmallow_itself_reads_them(document, settings, moved_clock):
    with app_of(settings).app_context():
        assert loaded(JobFields(), document) == loaded(ReadByMarshmallow(), document)
