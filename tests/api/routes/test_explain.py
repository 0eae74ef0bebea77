"""GET /api/jobs/{id}/explain."""

import re

from models.operations.explain import CODES
from tests.support.api_client import errors_of
from tests.support.documents import API_PAGE


def test_a_job_is_explained_by_either_id(client):
    job = client.created(schedule_in=3600)
    for key in (job["id"], job["job_id"]):
        reasons = client.get(f"/api/jobs/{key}/explain").json["data"]["reasons"]
        assert reasons[0]["code"] == "not_due"
        assert reasons[0]["text"] == f"It is not due before {job['job']['scheduled_at']}."
        assert [reason["code"] for reason in reasons[1:]] == ["ticker_silent", "no_worker"]


def test_what_is_not_there_is_not_explained(client, stranger):
    job = client.created()
    for key in (job["id"], job["job_id"], "0198c0de-0000-7000-8000-000000000000", "x"):
        assert errors_of(stranger.get(f"/api/jobs/{key}/explain"), 404) == {}


def test_the_documentation_lists_every_code_with_its_meaning():
    section = API_PAGE.partition("/explain\n")[2].partition("\n## ")[0]
    assert dict(re.findall(r"^\| `([a-z_]+)` \| (.*) \|$", section, re.MULTILINE)) == CODES
