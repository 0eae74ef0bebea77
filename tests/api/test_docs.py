"""The documentation says what the API does: docs/api.md and openapi.json against routes, fields and responses."""

import re

import pytest

from api.requests.job_fields import JobFields
from api.requests.job_filters import JobsQuery
from api.requests.reading.strict_schema import Strict
from api.responses import schemas
from api.responses.responses import CODES
from api.routes.endpoints import EndpointChange
from api.routes.jobs import Attempt
from api.routes.logs import LogEntry, LogsQuery
from api.routes.schedule_runs import Firing, FiringsQuery
from api.routes.schedules import Schedule
from models.jobs import records
from models.jobs.states import STATES
from models.rules import clock
from models.schedules import firing_rows
from tests.support.documents import API_PAGE


def routes(app):
    return {
        f"{method} {rule.rule.replace('<key>', '<id>').replace('<', '{').replace('>', '}')}"
        for rule in app.url_map.iter_rules()
        if not rule.endpoint.startswith("pages.")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


def test_the_route_list_is_that_of_the_app(bare):
    listed = re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", API_PAGE, re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == routes(bare.app)


def test_openapi_describes_every_route_under_api(bare):
    document = bare.get("/api/openapi.json").json
    described = {
        f"{method.upper()} {path.replace('{key}', '{id}')}"
        for path, methods in document["paths"].items()
        for method in methods
        if method != "parameters"
    }
    assert described == {r for r in routes(bare.app) if " /api/" in r} - {"GET /api/openapi.json"}


def request_schemas(base=Strict):
    """What requests may hold: every schema under api/, whether it reads a body or a query string."""
    for schema in base.__subclasses__():
        yield from (schema, *request_schemas(schema))


def words_of(field):
    """The words that a field takes, if they are few."""
    words = re.search(r"\bone of (.*)", getattr(field, "expected", ""))
    return words[1].split(", ") if words else []


@pytest.mark.parametrize("schema", sorted(set(request_schemas()), key=str), ids=lambda schema: schema.__name__)
def test_every_field_of_a_request_is_named_with_the_words_that_it_takes(schema):
    fields = schema().fields

    names = [*fields, *(word for field in fields.values() for word in words_of(field))]

    assert [name for name in names if f"`{name}`" not in API_PAGE] == []


def test_the_request_schemas_are_found():
    assert {JobFields, LogsQuery, EndpointChange} <= set(request_schemas())
    assert words_of(JobsQuery().fields["state"]) == list(STATES)
    assert words_of(FiringsQuery().fields["order_by"]) == list(firing_rows.ORDERS)


def test_every_error_code_in_use_is_listed():
    of_pages = {403}  # for a form of the dashboard that came from elsewhere
    listed = dict(re.findall(r"^\| ([0-9]{3}) \| `([a-z_]+)` \|", API_PAGE, re.MULTILINE))
    assert listed == {str(status): code for status, code in CODES.items() if status not in of_pages}


def test_answers_have_the_keys_that_openapi_describes(client, account):
    job = client.created()
    records.add_attempts([records.AttemptRow(job["job_id"], 1, 0, 0, 0, "answered")])
    records.add_log_entries([records.log_row(account.id, job["job_id"], None, "worker.http.request", {}, clock.now())])
    attempt = client.get(f"/api/jobs/{job['id']}/attempts").json["data"][0]
    entry = client.get("/api/logs").json["data"][0]
    error = client.create(x=1).json["error"]
    schedule = client.get(f"/api/schedules/{client.created(cron='@daily')['schedule_id']}").json["data"]
    firing_rows.add(
        [firing_rows.FiringRow(schedule["id"], clock.now(), firing_rows.FIRED, job["job_id"], 1, clock.now())]
    )
    firing = client.get(f"/api/schedules/{schedule['id']}/runs").json["data"][0]

    for shown, schema in (
        (job, schemas.Job),
        (job["job"], schemas.InnerJob),
        (attempt, Attempt),
        (entry, LogEntry),
        (schedule, Schedule),
        (firing, Firing),
        (error, schemas.Problem),
    ):
        assert set(shown) == set(schema().fields), schema
