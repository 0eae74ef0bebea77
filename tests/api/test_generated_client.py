"""A client that a generator made from the OpenAPI document orders, lists and schedules."""

import importlib
import json
import sys
from pathlib import Path

import httpx
import openapi_python_client
import pytest
from openapi_python_client.config import Config, ConfigFile, MetaType

from api.documentation import operations
from tests.support.api_client import URL, document_of, one_database

NAME = "generated_booper_client"


@pytest.fixture(scope="module")
def generate(tmp_path_factory):
    """A function from a document to the errors of the generator; what it made can be imported."""
    folder = tmp_path_factory.mktemp("generated")

    def make(document):
        (folder / "openapi.json").write_text(json.dumps(document))
        options = ConfigFile(package_name_override=NAME, post_hooks=[])
        config = Config.from_sources(options, MetaType.NONE, folder / "openapi.json", "utf-8", True, folder / NAME)
        return openapi_python_client.generate(config=config)

    sys.path.insert(0, str(folder))
    yield make
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.split(".")[0] == NAME]:
        del sys.modules[name]


@pytest.fixture
def generated(generate, client):
    """A function that calls an operation of the generated client with Alice's key, without a socket."""
    if NAME not in sys.modules:
        assert generate(document_of(client.app)) == []
    secret = client.headers["Authorization"].removeprefix("Bearer ")
    transport = httpx.WSGITransport(app=client.app)
    asking = importlib.import_module(f"{NAME}.client").AuthenticatedClient(
        base_url="http://localhost", token=secret, httpx_args={"transport": transport}
    )

    def call(tag, operation, *path, **arguments):
        module = importlib.import_module(f"{NAME}.api.{tag}.{operation}")
        return module.sync_detailed(*path, client=asking, **arguments)

    return call


def model(name):
    return getattr(importlib.import_module(f"{NAME}.models"), name)


@one_database
def test_a1_a_generated_client_has_every_operation(generated, client):
    folder = Path(importlib.import_module(NAME).__file__).parent
    made = {path.stem for path in folder.glob("api/*/*.py")} - {"__init__"}

    assert made == {operation["operationId"] for *_, operation in operations(document_of(client.app))}


@one_database
def test_a_generated_client_orders_a_job_and_finds_it_in_the_list(generated):
    fields = model("JobFields")(
        url=URL, method=model("JobFieldsMethod").POST, schedule_in=[30, "seconds"], labels=["a"]
    )

    created = generated("jobs", "create_job", body=fields)
    listed = generated("jobs", "list_jobs", label="a", state=model("ListJobsState").SCHEDULED)

    assert created.status_code == 201
    assert created.parsed.data.job.state == "scheduled"
    assert [job.id for job in listed.parsed.data] == [created.parsed.data.id]


@one_database
def test_a1_a_generated_client_reads_a_job_whose_key_is_known_as_a_success(generated):
    fields = model("JobFields")(url=URL, idempotency_key="k", schedule_in=30)

    answers = [generated("jobs", "create_job", body=fields) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].parsed.data.id == answers[1].parsed.data.id
    assert answers[1].parsed.data.job.has_confict is True


@one_database
def test_a1_a_generated_client_makes_a_schedule_changes_and_lists_it(generated):
    fields = model("ScheduleFields")

    created = generated("schedules", "put_schedule", "digest", body=fields(url=URL, cron="0 9 * * 1-5"))
    changed = generated("schedules", "put_schedule", "digest", body=fields(url=URL, cron="0 8 * * 1-5"))
    listed = generated("schedules", "list_schedules")

    assert [created.status_code, changed.status_code] == [201, 200]
    assert [schedule.id for schedule in listed.parsed.data] == [created.parsed.data.id] == [changed.parsed.data.id]
    assert listed.parsed.data[0].frequency["cron"] == "0 8 * * 1-5"


@one_database
def test_a_generated_client_orders_a_batch_of_which_one_job_is_refused(generated):
    jobs = [model("JobFields")(url=URL), model("JobFields")(url="gopher://x")]

    answer = generated("batch", "create_batch", body=model("BatchFields")(jobs=jobs))

    assert [type(item).__name__ for item in answer.parsed.data] == ["Job", "ErrorResponse"]
    assert "url" in answer.parsed.data[1].error.errors.additional_properties


@one_database
def test_a_generated_client_reads_an_error_as_an_error(generated):
    answer = generated("jobs", "create_job", body=model("JobFields")(url=URL, timeout=0))

    assert answer.status_code == 422
    assert "timeout" in answer.parsed.error.errors.additional_properties


@one_database
def test_a_generated_client_follows_a_cursor(generated, client):
    ids = [client.created()["id"] for _ in range(3)]

    first = generated("jobs", "list_jobs", limit=2)
    rest = generated("jobs", "list_jobs", limit=2, cursor=first.headers["Booper-Next-Cursor"])

    assert sorted(str(job.id) for page in (first, rest) for job in page.parsed.data) == sorted(ids)


def test_what_a_generator_can_not_read_is_noticed(generate, bare):
    document = document_of(bare.app)
    broken = json.loads(json.dumps(document))
    broken["components"]["schemas"]["JobFields"]["properties"]["labels"] = {"type": "array"}

    assert generate(broken) != []
