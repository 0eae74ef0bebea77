"""Flows, lanes, hosts and pauses over the API: what orders name, what is shown, what is refused."""

from urllib.parse import quote

import pytest

from models.database.transactions import transaction
from models.flows import breakers, closing
from models.flows.breakers import HostName
from models.flows.gate_tables import Gate
from models.jobs.job_tables import Job
from models.rules import clock
from models.rules.limits import HOST
from tests.support.api_client import errors_of
from tests.support.flows import gate_of, ids_through

URL = "https://shop.example.com/hook"
LIMITS = {"rate": 10, "per": "1m", "concurrency": 3}


def order(client, **fields):
    answer = client.post("/api/jobs", json={"url": URL, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json["data"]


def shown(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json["data"]


def limits_of(flow):
    return {name: flow[name] for name in ("rate", "per_seconds", "concurrency", "pinned")}


def test_an_order_sets_the_limits_of_its_flow(client):
    order(client, flow={"key": "shop-42", **LIMITS})

    flow = shown(client, "/api/flows/shop-42")

    assert limits_of(flow) == {"rate": 10, "per_seconds": 60.0, "concurrency": 3, "pinned": False}


def test_the_newest_order_that_names_limits_replaces_them_all(client):
    order(client, flow={"key": "shop-42", **LIMITS})

    order(client, flow={"key": "shop-42", "concurrency": 5})

    flow = shown(client, "/api/flows/shop-42")
    assert limits_of(flow) == {"rate": None, "per_seconds": None, "concurrency": 5, "pinned": False}


def test_an_order_with_the_key_alone_leaves_the_limits(client):
    order(client, flow={"key": "shop-42", **LIMITS})

    order(client, flow={"key": "shop-42"})

    assert shown(client, "/api/flows/shop-42")["rate"] == 10


def test_an_order_does_not_change_limits_that_are_pinned(client):
    client.ask("PUT", "/api/flows/shop-42", json={"concurrency": 1})

    order(client, flow={"key": "shop-42", **LIMITS})

    flow = shown(client, "/api/flows/shop-42")
    assert limits_of(flow) == {"rate": None, "per_seconds": None, "concurrency": 1, "pinned": True}


def test_an_order_changes_limits_again_when_they_were_deleted(client):
    client.ask("PUT", "/api/flows/shop-42", json={"concurrency": 1})
    client.ask("DELETE", "/api/flows/shop-42")

    order(client, flow={"key": "shop-42", **LIMITS})

    assert limits_of(shown(client, "/api/flows/shop-42")) == {
        "rate": 10,
        "per_seconds": 60.0,
        "concurrency": 3,
        "pinned": False,
    }


def test_a_patch_changes_what_it_names(client):
    client.ask("PUT", "/api/flows/shop-42", json=LIMITS)

    client.ask("PATCH", "/api/flows/shop-42", json={"concurrency": None, "rate": 20})

    flow = shown(client, "/api/flows/shop-42")
    assert limits_of(flow) == {"rate": 20, "per_seconds": 60.0, "concurrency": None, "pinned": True}


@pytest.mark.parametrize(
    ("flow", "path"),
    [
        ("shop", "flow"),
        ({}, "flow.key"),
        ({"key": ""}, "flow.key"),
        ({"key": "x" * 129}, "flow.key"),
        ({"key": "a\tb"}, "flow.key"),
        ({"key": 7}, "flow.key"),
        ({"key": "a", "rate": 10}, "flow.per"),
        ({"key": "a", "per": 10}, "flow.rate"),
        ({"key": "a", "rate": 0, "per": 1}, "flow.rate"),
        ({"key": "a", "rate": 1.5, "per": 1}, "flow.rate"),
        ({"key": "a", "rate": True, "per": 1}, "flow.rate"),
        ({"key": "a", "rate": 10, "per": 0.5}, "flow.per"),
        ({"key": "a", "rate": 10, "per": "8d"}, "flow.per"),
        ({"key": "a", "rate": 10, "per": "soon"}, "flow.per"),
        ({"key": "a", "concurrency": 10_001}, "flow.concurrency"),
        ({"key": "a", "limit": 10}, "flow.limit"),
    ],
)
def test_a_flow_that_is_wrong_is_refused_where_it_is_wrong(client, flow, path):
    answer = client.post("/api/jobs", json={"url": URL, "flow": flow})

    assert (answer.status_code, list(errors_of(answer))) == (422, [path])


KEYS = ["👨\u200d👩\u200d👧", "क्\u200dष", "می\u200cخواهم", "a b", "ä%2F&?#"]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_of_any_language(client, key):
    """What joins letters of Hindi and Persian, and people to a family, was refused here and taken in labels."""
    order(client, flow={"key": key, "concurrency": 1}, lane=key)

    for kind in ("flows", "lanes"):
        assert shown(client, f"/api/{kind}/{quote(key, safe='')}")["key"] == key


@pytest.mark.parametrize("key", ["a\u202eb", "a\u2028b", "a\x7fb", "\u2066"])
def test_a_key_that_would_turn_or_break_a_line_is_refused(client, key):
    answers = [client.post("/api/jobs", json={"url": URL, **gate}) for gate in ({"flow": {"key": key}}, {"lane": key})]

    assert [list(errors_of(answer)) for answer in answers] == [["flow.key"], ["lane.key"]]


@pytest.mark.parametrize("lane", ["", "x" * 129, 7, {"key": "a", "on_failure": "retry"}, {"on_failure": "stop"}])
def test_a_lane_that_is_wrong_is_refused(client, lane):
    assert client.post("/api/jobs", json={"url": URL, "lane": lane}).status_code == 422


def test_a_batch_joins_flows_and_lanes(client):
    jobs = [{"url": URL, "flow": {"key": key, "concurrency": 1}, "lane": "one"} for key in ("a", "b", "a")]

    answer = client.post("/api/jobs/batch", json={"jobs": jobs})

    ids = [job["job_id"] for job in answer.json["data"]]
    gates = [(job.flow_id, job.lane_id) for job in Job.select().where(Job.id.in_(ids)).order_by(Job.id)]
    assert gates[0] == gates[2] != gates[1]
    assert len({lane_id for _, lane_id in gates}) == 1


@pytest.mark.parametrize(
    ("named", "concurrency"), [((None, 2), 2), ((1, 2), 2), ((1, None), 1), ((2, 1, None), 1), ((None, None), None)]
)
def test_the_last_limits_that_a_batch_names_for_a_flow_count(client, named, concurrency):
    flows = [{"key": "a", **({"concurrency": limit} if limit else {})} for limit in named]

    client.post("/api/jobs/batch", json={"jobs": [{"url": URL, "flow": flow} for flow in flows]})

    assert shown(client, "/api/flows/a")["concurrency"] == concurrency


def test_a_flow_says_how_it_is_used(client, moved_clock):
    ids = [order(client, flow={"key": "a", "rate": 2, "per": 60})["job_id"] for _ in range(4)]
    ids_through(ids)

    flow = shown(client, "/api/flows/a")

    used = {name: flow[name] for name in ("waiting", "under_way", "started_in_window", "next_at")}
    assert used == {"waiting": 2, "under_way": 2, "started_in_window": 2, "next_at": "2026-01-01T09:01:00.000000Z"}


@pytest.mark.parametrize("until", [None, "2026-01-01T10:00:00.000000Z"])
def test_a_paused_flow_says_when_a_job_that_waits_may_pass_unless_only_its_owner_knows(client, moved_clock, until):
    order(client, flow={"key": "a"})
    client.ask("POST", "/api/flows/a/pause", json={"until": until} if until else {})
    ids_through([order(client, flow={"key": "a"})["job_id"]])

    flow = shown(client, "/api/flows/a")

    assert (flow["waiting"], flow["closed_until"], flow["next_at"]) == (1, until, until)


def test_flows_of_another_account_are_not_found(client, stranger):
    order(client, flow={"key": "a", "concurrency": 1})

    assert stranger.get("/api/flows/a").status_code == 404
    assert shown(stranger, "/api/flows") == []


def test_flows_are_listed_by_a_part_of_their_keys(client):
    for key in ("shop-1", "shop-2", "bank_1", "bankx1"):
        order(client, flow={"key": key})

    keys = [flow["key"] for flow in shown(client, "/api/flows?text=SHOP&order_by=key,asc")]

    assert keys == ["shop-1", "shop-2"]
    assert [flow["key"] for flow in shown(client, "/api/flows?text=bank_1")] == ["bank_1"]


@pytest.mark.parametrize("path", ["/api/flows/a", "/api/lanes/a", "/api/hosts/shop.example.com", "/api"])
def test_a_pause_needs_no_body(client, moved_clock, path):
    """Whoever had to stop everything in a hurry was answered 415."""
    assert client.post(f"{path}/pause").json["data"]["paused"] == {
        "at": "2026-01-01T09:00:00.000000Z",
        "until": None,
        "reason": None,
    }


@pytest.mark.parametrize("path", ["/api/flows/a", "/api/lanes/a", "/api/hosts/shop.example.com", "/api"])
def test_a_pause_with_a_body_that_is_none_is_refused(client, path):
    wrong = [({"data": "until=soon"}, 415), ({"json": {"untill": None}}, 422), ({"json": []}, 422)]

    statuses = [client.post(f"{path}/pause", **body).status_code for body, _ in wrong]

    assert statuses == [status for _, status in wrong]
    assert Gate.select().where(Gate.paused_at.is_null(False)).count() == 0


@pytest.mark.parametrize("path", ["/api/flows/a", "/api/lanes/a", "/api/hosts/shop.example.com"])
def test_a_pause_is_shown_until_it_is_resumed(client, moved_clock, path):
    order(client, flow={"key": "a"}, lane="a")
    client.post(f"{path}/pause", json={"reason": "they deploy", "until": "2026-01-01T10:00:00Z"})
    paused = shown(client, path)["paused"]

    client.post(f"{path}/resume")

    assert paused == {
        "at": "2026-01-01T09:00:00.000000Z",
        "until": "2026-01-01T10:00:00.000000Z",
        "reason": "they deploy",
    }
    assert shown(client, path)["paused"] is None


def test_a_host_that_failed_or_rests_is_sent_to_again_once_it_is_resumed(client, account, moved_clock):
    host = "shop.example.com"
    job = order(client)
    with transaction():
        breakers.failed(HostName(account.id, host), 3, 3, clock.now())
    closing.rest(gate_of(HOST, host).id, clock.now() + clock.HOUR, clock.now())
    held = ids_through([job["job_id"]])

    resumed = client.post(f"/api/hosts/{host}/resume").json["data"]

    assert held == []
    assert (resumed["failures"], resumed["closed_until"]) == (0, None)
    assert ids_through([job["job_id"]]) == [job["job_id"]]


def test_a_host_says_when_its_next_probe_goes_out_and_an_open_one_does_not(client, account, moved_clock):
    """A host that got nothing but probes was shown as one that is open."""
    for host, failures in (("down.example.com", 3), ("shaky.example.com", 2)):
        with transaction():
            breakers.failed(HostName(account.id, host), failures, 3, clock.now())

    probes = {host["host"]: host["next_probe_at"] for host in shown(client, "/api/hosts")}

    assert probes == {"down.example.com": "2026-01-01T09:00:10.000000Z", "shaky.example.com": None}


def test_what_a_patch_says_of_a_lane_no_order_changes(client):
    order(client, lane={"key": "user", "on_failure": "go_on"})
    client.ask("PATCH", "/api/lanes/user", json={"on_failure": "stop"})

    order(client, lane={"key": "user", "on_failure": "go_on"})

    assert shown(client, "/api/lanes/user")["on_failure"] == "stop"


def test_a_pause_ends_by_itself_at_its_instant(client, moved_clock):
    client.post("/api/pause", json={"until": "2026-01-01T10:00:00Z"})
    moved_clock.advance(minutes=60)

    assert shown(client, "/api/pause")["paused"] is None


@pytest.mark.parametrize("until", ["2026-01-01T08:59:59Z", "soon", True, "2126-01-01T00:00:00Z"])
def test_a_pause_does_not_end_in_the_past_or_at_nonsense(client, moved_clock, until):
    assert client.post("/api/pause", json={"until": until}).status_code == 422


def test_a_key_that_no_flow_has_is_not_found(client):
    for method, path in (("GET", ""), ("POST", "/resume"), ("POST", "/reset"), ("DELETE", "")):
        assert client.ask(method, f"/api/flows/none{path}").status_code == 404
    assert client.ask("PATCH", "/api/flows/none", json={"rate": 1, "per": 1}).status_code == 404


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("1m", 60), ("1h30m", 5400), ("2d", 172_800), ("1w", 604_800), ("1500ms", 1.5), ("0.5h", 1800)],
)
def test_a_duration_may_be_a_text(client, moved_clock, text, seconds):
    job = order(client, schedule_in=text)

    assert Job.get_by_id(job["job_id"]).scheduled_at == clock.now() + int(seconds * clock.SECOND)


@pytest.mark.parametrize("text", ["", "s", "1", "1x", "-1s", "1 h", "1h ", "1e3s", "h1"])
def test_a_text_that_is_no_duration_is_refused(client, text):
    assert client.post("/api/jobs", json={"url": URL, "schedule_in": text}).status_code == 422


@pytest.mark.parametrize("path", ["flows", "lanes", "hosts"])
def test_what_no_key_can_be_is_not_found(client, path):
    for method, rest in (("GET", ""), ("POST", "/resume"), ("POST", "/pause")):
        assert client.ask(method, f"/api/{path}/%00{rest}", json={}).status_code == 404
    assert client.get(f"/api/{path}?text=%00").status_code == 422


def test_a_change_that_leaves_a_rate_without_its_window_is_refused(client):
    order(client, flow={"key": "a"})

    answer = client.ask("PATCH", "/api/flows/a", json={"rate": 5})

    assert (answer.status_code, list(errors_of(answer))) == (422, ["per"])


@pytest.mark.parametrize("host", ["M%C3%9CNCHEN.example", "m%C3%BCnchen.example", "xn--mnchen-3ya.example"])
def test_a_host_is_paused_however_its_name_is_written(client, host):
    job = client.post("/api/jobs", json={"url": "https://münchen.example/"}).json["data"]

    client.post(f"/api/hosts/{host}/pause", json={})

    assert ids_through([job["job_id"]]) == []


@pytest.mark.parametrize("host", ["a%20b", "a..b", "user@a.example"])
def test_what_is_no_host_can_not_be_paused(client, host):
    assert client.post(f"/api/hosts/{host}/pause", json={}).status_code == 404


@pytest.mark.parametrize(
    ("written", "is_paused"), [("[::ffff:9.9.9.9]", True), ("9.9.9.9.", True), ("[64:ff9b::9.9.9.9]", False)]
)
def test_a_job_waits_for_its_paused_host_however_its_address_is_written(client, written, is_paused):
    client.post("/api/hosts/9.9.9.9/pause", json={})

    job = order(client, url=f"https://{written}/hook")

    assert ids_through([job["job_id"]]) == ([] if is_paused else [job["job_id"]])
