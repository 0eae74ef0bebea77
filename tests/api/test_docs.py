"""The documentation says what the API does: docs/api.md and openapi.json against routes, fields and responses."""

import re

import pytest

from api.requests.job_fields import JobFields
from api.requests.job_filters import JobsQuery
from api.responses import schemas
from api.responses.responses import CODES
from api.routes.jobs import Attempt
from api.routes.logs import LogEntry, LogsQuery
from api.routes.schedule_preview import PreviewQuery
from api.routes.schedule_runs import Firing, FiringsQuery
from api.routes.schedules import Schedule, ScheduleFields, SchedulesQuery
from models.jobs import job_kinds, job_lists, log_entries, records
from models.jobs.states import STATES
from models.rules import clock
from models.schedules import firing_rows, policies, schedule_store
from tests.support.documents import API_PAGE


def routes(app):
    return {
        f"{method} {re.sub('<[a-z]+>', lambda m: '{name}' if m[0] == '<name>' else '{id}', rule.rule)}"
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


@pytest.mark.parametrize(
    "names",
    [
        JobFields().fields,
        JobsQuery().fields,
        LogsQuery().fields,
        ScheduleFields().fields,
        SchedulesQuery().fields,
        FiringsQuery().fields,
        PreviewQuery().fields,
        STATES,
        job_lists.LISTING.orders,
        log_entries.LISTING.orders,
        schedule_store.ORDERS,
        job_kinds.KINDS,
    ]
    + [firing_rows.STATUSES, policies.OVERLAPS, policies.MISFIRES, firing_rows.ORDERS],
)
def test_every_field_state_and_order_is_named(names):
    assert [name for name in names if f"`{name}`" not in API_PAGE] == []


def test_every_error_code_in_use_is_listed():
    later = {403, 429}
    listed = dict(re.findall(r"^\| ([0-9]{3}) \| `([a-z_]+)` \|", API_PAGE, re.MULTILINE))
    assert listed == {str(status): code for status, code in CODES.items() if status not in later}


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
