"""A file of declarations counts against the limits of the account before anything is changed, and may be applied by
several at once. On both databases."""

import contextlib
import threading
from collections import Counter

import pytest
import waitress

from booper_client import Client
from booper_client.cli.failures import Refusal
from booper_client.cli.files import declaration_files, plan
from booper_client.cli.files.kinds.registry import KINDS
from models.accounts import account_store, target_groups
from models.alerts import alert_store
from models.rules import clock
from models.schedules.calendars import calendar_changes, calendar_store
from models.webhooks import endpoints
from runtime import settings as booper_settings
from runtime import waitress_servers
from tests.support.apps import app_of
from tests.support.races import at_once

URL = "https://example.com/hook"
LIMIT, THREADS = 3, 6
FIELDS = {
    "calendars": "{days: [2026-12-24]}",
    "groups": f"{{targets: [{{name: a, url: {URL}}}]}}",
    "endpoints": "{types: [job.finished]}",
    "schedules": f"{{url: {URL}, cron: '@daily'}}",
    "alerts": f"{{to: [{{webhook: {URL}}}]}}",
}


@pytest.fixture
def settings():
    """Of a server that lets an account have LIMIT of each kind."""
    return booper_settings.load({"BOOPER_MAX_SCHEDULES": str(LIMIT)})


@pytest.fixture
def lowered(monkeypatch):
    for module in (calendar_changes, calendar_store):
        monkeypatch.setattr(module, "MAX_CALENDARS", LIMIT)
    monkeypatch.setattr(target_groups, "MAX_GROUPS", LIMIT)
    monkeypatch.setattr(endpoints, "MAX_ENDPOINTS", LIMIT)
    monkeypatch.setattr(alert_store, "MAX_ALERTS", LIMIT)


@pytest.fixture
def connect(account, settings):
    """A function that makes a client of the served app, for the account."""
    server = waitress.create_server(app_of(settings), host="127.0.0.1", port=0, threads=THREADS)
    thread = threading.Thread(target=server.run, name="waitress", daemon=True)
    thread.start()
    key = account_store.create_key(account, "test", clock.now())[1]
    with contextlib.ExitStack() as opened:
        yield lambda: opened.enter_context(Client(f"http://127.0.0.1:{server.effective_port}", key))
    server.task_dispatcher.shutdown(cancel_pending=True, timeout=60)
    waitress_servers.end(server)
    thread.join(60)


@pytest.fixture
def api(connect):
    return connect()


@pytest.fixture
def planned(tmp_path):
    def made(client, text, prune=False):
        path = tmp_path / "file.yaml"
        path.write_text(text)
        return plan.plan(client, declaration_files.read(str(path)), prune).steps

    return made


def several(kind, *numbers):
    """A file with things of a kind, and a flow beside them."""
    names = {"endpoints": "https://example.com/{}"}.get(kind, "name-{}")
    lines = [f"  {names.format(number)}: {FIELDS[kind]}" for number in numbers]
    return "\n".join(["flows: {shop: {concurrency: 1}}", f"{kind}:", *lines])


def carry_out(client, steps):
    return list(plan.carry_out(client, steps))


def there(client):
    return {kind.name: sorted(kind.there(client)) for kind in KINDS}


@pytest.mark.parametrize("kind", FIELDS)
def test_a_file_that_makes_more_than_the_account_may_have_changes_nothing(lowered, api, planned, kind):
    carry_out(api, planned(api, several(kind, 1)))
    before = there(api)

    with pytest.raises(Refusal, match=f"{kind}: an account may have at most 3; it has 1, and 3 would be new"):
        planned(api, several(kind, 2, 3, 4))

    assert there(api) == before


@pytest.mark.parametrize("kind", FIELDS)
def test_a_file_that_fills_the_account_is_applied_and_applied_again(lowered, api, planned, kind):
    carry_out(api, planned(api, several(kind, 1)))

    carry_out(api, planned(api, several(kind, 1, 2, 3)))

    assert len(there(api)[kind]) == LIMIT
    assert planned(api, several(kind, 1, 2, 3)) == []


@pytest.mark.parametrize("kind", FIELDS)
def test_what_prune_deletes_makes_no_room_because_it_is_deleted_last(lowered, api, planned, kind):
    carry_out(api, planned(api, several(kind, 1, 2)))

    with pytest.raises(Refusal, match="at most 3; it has 2, and 2 would be new"):
        planned(api, several(kind, 3, 4), prune=True)
    carry_out(api, planned(api, several(kind, 3), prune=True))

    assert len(there(api)[kind]) == 1


def test_a_file_of_several_requests_is_counted_as_a_whole(api, planned):
    """The check takes 100 at once, and 100 rules are allowed."""
    with pytest.raises(Refusal, match="alerts: an account may have at most 100; it has 0, and 101 would be new"):
        planned(api, several("alerts", *range(101)))
    carry_out(api, planned(api, several("alerts", *range(100))))

    assert len(there(api)["alerts"]) == 100


def test_disabled_and_finished_schedules_take_no_room(api, planned):
    finished = several("schedules", 1).replace("'@daily'", "'@daily', until: '2020-01-01T00:00:00Z'")
    carry_out(api, planned(api, several("schedules", 1, 2, 3)))
    api.schedules.disable("name-2")
    carry_out(api, planned(api, finished))

    carry_out(api, planned(api, several("schedules", 3, 4, 5)))
    carry_out(api, planned(api, finished.replace("name-1", "name-6")))

    assert there(api)["schedules"] == [f"name-{number}" for number in range(1, 7)]


def test_a_finished_schedule_that_goes_on_takes_room(api, planned):
    finished = several("schedules", 1).replace("'@daily'", "'@daily', until: '2020-01-01T00:00:00Z'")
    carry_out(api, planned(api, finished))
    carry_out(api, planned(api, several("schedules", 2, 3, 4)))

    with pytest.raises(Refusal, match="at most 3; it has 3, and 1 would be new"):
        planned(api, several("schedules", 1))
    api.schedules.disable("name-1")

    assert [step.change for step in planned(api, several("schedules", 1))] == ["change"]


def test_prune_deletes_no_calendar_that_a_schedule_outside_the_file_names(api, planned):
    calendar = several("calendars", 1)
    carry_out(api, planned(api, calendar))
    api.schedules.put("outside", url=URL, cron="@daily", exclude={"calendars": ["name-1"]})

    with pytest.raises(Refusal, match="calendars: name-1: --prune would delete it, and schedule outside names it"):
        planned(api, "groups:\n  new: " + FIELDS["groups"] + "\ncalendars: {}", prune=True)
    assert "new" not in there(api)["groups"]
    carry_out(api, planned(api, "calendars: {}\nschedules: {}", prune=True))

    assert (there(api)["calendars"], there(api)["schedules"]) == ([], [])


EACH = "\n".join(several(kind, 1, 2).partition("\n")[2] for kind in FIELDS)


def test_what_is_applied_by_several_at_once_is_made_once(connect, planned):
    """Each has looked before any of them makes something."""
    clients = [connect() for _ in range(THREADS)]
    steps = [planned(client, EACH) for client in clients]

    results = at_once(*[lambda pair=pair: carry_out(*pair) for pair in zip(clients, steps, strict=True)])

    assert results == [[f"{step.title} created" for step in steps[0]]] * THREADS
    assert [len(names) for names in rows(clients[0]).values()] == [2, 2]
    assert set(Counter(rows(clients[0])["alerts"] + rows(clients[0])["endpoints"]).values()) == {1}
    assert planned(clients[0], EACH) == []


def rows(client):
    """Of what has ids: the name of each row."""
    return {
        "endpoints": [each.url for each in client.endpoints.list()],
        "alerts": [each.name for each in client.alerts.list()],
    }


def test_of_several_files_at_once_the_last_one_counts_and_nothing_is_there_twice(connect, planned):
    clients = [connect() for _ in range(2)]
    texts = [EACH, EACH.replace("[job.finished]", "[job.started]").replace("to:", "after: 5, to:")]
    steps = [planned(client, text) for client, text in zip(clients, texts, strict=True)]

    carry_out(clients[0], steps[0])
    carry_out(clients[1], steps[1])

    assert [each.types for each in clients[0].endpoints.list()] == [["job.started"]] * 2
    assert [each.raw["after"] for each in clients[0].alerts.list()] == [5, 5]


def test_what_several_prune_at_once_is_deleted(connect, planned):
    clients = [connect() for _ in range(THREADS)]
    carry_out(clients[0], planned(clients[0], EACH))
    nothing = "\n".join(f"{kind}: {{}}" for kind in FIELDS)
    steps = [planned(client, nothing, prune=True) for client in clients]

    results = at_once(*[lambda pair=pair: carry_out(*pair) for pair in zip(clients, steps, strict=True)])

    assert [result for result in results if isinstance(result, Exception)] == []
    assert {kind: names for kind, names in there(clients[0]).items() if names} == {}


def test_a_conflict_with_the_limit_goes_on(lowered, api, planned):
    """Another has filled the account since it was counted."""
    steps = planned(api, several("endpoints", 1))
    for number in range(LIMIT):
        api.endpoints.create(f"https://example.org/{number}")

    results = at_once(lambda: carry_out(api, steps))

    assert "at most 3 endpoints" in str(results[0])
