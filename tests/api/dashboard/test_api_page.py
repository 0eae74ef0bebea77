"""The page of the API: for everybody, from this server alone, with every operation."""

import re

from api.documentation import operations
from models.webhooks.event_types import EVENT_TYPES
from tests.support.api_client import document_of, one_database


@one_database
def test_nobody_has_to_be_signed_in_to_read_about_the_api(nobody):
    page = nobody.get("/api/docs")

    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]


@one_database
def test_every_operation_is_there_with_its_fields_answers_and_examples(nobody, app):
    text = nobody.get("/api/docs").text

    names = [operation["operationId"] for *_, operation in operations(document_of(app))]
    received = [f"receive_{name.replace('.', '_')}" for name in ("callback", *EVENT_TYPES)]
    shown = re.findall(r'<details class="card operation" id="(\w+)"', text)
    assert sorted(shown) == sorted([*names, *received])
    create = text.partition('id="create_job"')[2].partition("</details>")[0]
    for part in (
        "<code>schedule_in</code>",
        "number or string or array or null",
        "Idempotency-Key",
        "<code>422</code>",
    ):
        assert part in create
    assert "&#34;url&#34;: &#34;https://example.com/hook&#34;" in create


@one_database
def test_what_needs_no_key_says_so_and_the_rest_does_not(nobody):
    text = nobody.get("/api/docs").text

    parts = {name: text.partition(f'id="{name}"')[2].partition("</summary>")[0] for name in ("ping", "list_jobs")}
    assert "no key" in parts["ping"]
    assert "no key" not in parts["list_jobs"]


@one_database
def test_the_page_loads_nothing_from_elsewhere_and_changes_nothing(nobody):
    text = nobody.get("/api/docs").text

    assert re.findall(r'(?:src|href)="(?!/|#)([^"]*)"', text) == []
    assert "<form" not in text
    assert "<style" not in text
