"""`booper mcp`: the client of the package mcp starts it, and works with a live server by its tools."""

import asyncio
import builtins
import json

import pytest
from mcp import Client as Assistant
from mcp import StdioServerParameters, stdio_client

from booper_client import Client
from booper_client.cli import failures
from booper_client.mcp_tools import server as mcp_server
from booper_client.mcp_tools.server import tools
from tests.support.command_line import START, in_a_pipe

URL = "https://example.com/hook"
CHANGING = {
    "create_job": (False, False),
    "retry_job": (False, False),
    "run_schedule": (False, False),
    "cancel_job": (True, True),
    "disable_schedule": (True, True),
    "put_schedule": (True, True),
    "enable_schedule": (False, True),
}


@pytest.fixture
def api(server, key):
    with Client(server.url, key) as client:
        yield client


@pytest.fixture
def conversation(configured):
    """A function: has an assistant start `booper mcp`, and lets `talk` have it."""

    def hold(talk, *options, **env):
        async def held():
            process = StdioServerParameters(
                command=START[0], args=[*START[1:], "mcp", *options], env={**configured, **env}
            )
            async with Assistant(stdio_client(process)) as assistant:
                return await talk(assistant)

        return asyncio.run(asyncio.wait_for(held(), 60))

    return hold


@pytest.fixture
def call(api):
    """A function: calls one tool, in this process; the object that it returns, or the text of its error."""

    def called(name, **arguments):
        async def talk():
            async with Assistant(mcp_server.server(api)) as assistant:
                return await assistant.call_tool(name, arguments)

        result = asyncio.run(asyncio.wait_for(talk(), 60))
        [content] = result.content
        return content.text if result.is_error else json.loads(content.text)

    return called


async def listed(assistant):
    return {tool.name: tool for tool in (await assistant.list_tools()).tools}


def test_what_a_tool_may_do_is_said(conversation):
    offered = conversation(listed)

    changing = {name: tool.annotations for name, tool in offered.items() if not tool.annotations.read_only_hint}
    assert {name: (each.destructive_hint, each.idempotent_hint) for name, each in changing.items()} == CHANGING
    assert len(offered) == len(tools(None))
    assert all(tool.description for tool in offered.values())


def test_a_read_only_server_has_no_tool_that_changes_anything(conversation):
    offered = conversation(listed, "--read-only")

    assert "list_jobs" in offered
    assert set(offered) & set(CHANGING) == set()


def test_a_job_is_created_explained_cancelled_and_retried(conversation, api):
    async def talk(assistant):
        async def call(name, **arguments):
            return (await assistant.call_tool(name, arguments)).structured_content

        job = await call("create_job", url=URL, method="post", body={"a": [1]}, schedule_in="1h", labels=["x"])
        return (
            job,
            await call("get_job", job=job["id"]),
            await call("explain_job", job=str(job["job"]["id"])),
            await call("list_jobs", state="scheduled", label="x"),
            await call("cancel_job", job=job["id"]),
            await call("retry_job", job=job["id"]),
        )

    job, shown, explained, in_short, cancelled, again = conversation(talk)

    assert api.jobs.get(job["id"]).args["body"] == {"a": [1]}
    assert shown["args"]["method"] == "post"
    assert explained["reasons"][0]["code"] == "not_due"
    assert [(each["id"], each["state"]) for each in in_short["items"]] == [(job["id"], "scheduled")]
    assert cancelled["job"]["state"] == "cancelled"
    assert api.jobs.get(again["id"]).url == URL
    assert again["id"] != job["id"]


def test_a_schedule_is_made_stopped_started_and_run(conversation, api):
    async def talk(assistant):
        async def call(name, **arguments):
            return (await assistant.call_tool(name, arguments)).structured_content

        await call("put_schedule", key="k", url=URL, cron="0 9 * * *", timezone="Asia/Tokyo")
        shown = await call("get_schedule", schedule="k")
        disabled = await call("disable_schedule", schedule="k")
        in_short = await call("list_schedules")
        await call("enable_schedule", schedule="k")
        job = await call("run_schedule", schedule="k")
        preview = await call("preview_schedule", cron="0 9 * * *", count=2)
        return shown, disabled, in_short, job, await call("list_runs", schedule="k"), preview

    shown, disabled, in_short, job, runs, preview = conversation(talk)

    assert shown["frequency"]["timezone"] == "Asia/Tokyo"
    assert disabled["disabled_at"]
    assert [(each["key"], each["enabled"]) for each in in_short["items"]] == [("k", False)]
    assert api.schedules.get("k").enabled
    assert api.jobs.get(job["id"]).schedule_id == shown["id"]
    assert runs["more"] is False
    assert len(preview["instants"]) == 2


def test_failures_attempts_and_figures_are_shown(conversation, api, receiver):
    job = api.jobs.wait(api.jobs.create(f"{receiver.url}/status/503", max_attempts=1), every_seconds=0.02)
    api.jobs.create(URL, schedule_in=3600)

    async def talk(assistant):
        names = ("list_failures", "group_failures", "get_status")
        shown = [(await assistant.call_tool(name, {})).structured_content for name in names]
        of_job = [(await assistant.call_tool(name, {"job": job.id})) for name in ("list_attempts", "get_job")]
        return *shown, *(result.structured_content for result in of_job)

    listed, groups, status, attempts, full = conversation(talk)

    assert [(each["id"], each["last_attempt"]["status_code"]) for each in listed["items"]] == [(job.id, 503)]
    assert groups["items"][0]["reason"] == "status_503"
    assert status["jobs"]["waiting"] == 1
    assert [each["number"] for each in attempts["items"]] == [1]
    assert full["last_attempt"]["status_code"] == 503


def test_a_list_says_whether_there_is_more(call, api):
    api.jobs.create_many([{"url": URL, "schedule_in": 3600}] * 3)

    assert [call("list_jobs", limit=2)["more"], call("list_jobs", limit=3)["more"]] == [True, False]
    assert "less than or equal to 100" in call("list_jobs", limit=101)


def test_an_error_of_the_api_is_one_that_an_assistant_can_mend(call):
    assert "cron: must have" in call("put_schedule", key="k", url=URL, cron="99 * * * *")
    assert "There is nothing at this address" in call("get_job", job="1")
    assert "an id or a key must be a text that can stand in an address" in call("get_job", job="..")


def test_secret_headers_are_hidden_and_others_are_not(call, api):
    job = api.jobs.create(URL, schedule_in=3600, headers={"Authorization": "Bearer s3cret", "X-Tenant": "7"})

    assert call("get_job", job=job.id)["args"]["headers"] == {"Authorization": "…", "X-Tenant": "7"}


def test_an_assistant_sees_nothing_of_another_account(call, server):
    with Client(server.url, server.new_key()) as other:
        job = other.jobs.create(URL, schedule_in=3600)

        assert call("list_jobs")["items"] == []
        assert isinstance(call("cancel_job", job=job.id), str)
        assert other.jobs.get(job).state == "scheduled"


def test_without_a_key_nothing_begins(configured):
    run = in_a_pipe(["mcp"], {name: value for name, value in configured.items() if name != "BOOPER_API_KEY"})

    assert (run.code, run.out) == (failures.NO_KEY, "")
    assert "booper login" in run.err


def test_without_the_extra_the_extra_is_named(booper, monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name == "booper_client.mcp_tools.server":
            raise ModuleNotFoundError("No module named 'mcp'", name="mcp.server")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    run = booper("mcp")

    assert run.code == failures.FAILED
    assert "pip install './clients/python[mcp]'" in run.err
