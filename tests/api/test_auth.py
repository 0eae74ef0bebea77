"""Who may use the API, and what they may see."""

import pytest

from api import key_cache
from models.accounts import account_store, key_format
from models.database.sql import execute
from models.rules import clock
from runtime.settings import DEMO_KEY
from tests.support.alerts import open_incident
from tests.support.api_client import ApiClient, errors_of, one_database
from tests.support.databases import go_away
from tests.support.rows import all_rows

OPEN = {"/api/ping", "/api/echo", "/api/broadcast", "/api/openapi.json", "/healthz", "/metrics", "/readyz"}
# Whose token is a capability of its own.
OPEN |= {"/api/acks/<token>", "/badges/<token>.svg", "/api/badges/<token>.json"}


def rules(app):
    """Every route with each method; the pages have their own way to sign in (tests/pages)."""
    all_rules = [rule for rule in app.url_map.iter_rules() if not rule.endpoint.startswith("pages.")]
    return [(rule, method) for rule in all_rules for method in rule.methods - {"HEAD", "OPTIONS"}]


@one_database
@pytest.mark.parametrize("scheme", ["Bearer", "Token", "bearer", "TOKEN"])
def test_a_key_is_taken_under_either_scheme(client, scheme):
    secret = client.headers["Authorization"].split()[1]
    assert client.get("/api/jobs", headers={"Authorization": f"{scheme} {secret}"}).status_code == 200


@one_database
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic {key}",
        "{key}",
        "Bearer {key}x",
        "Bearer x{key}",
        "Bearer {key},Bearer {key}",
        "Bearer sk_",
        "Bearer sk_public_20230921",
        "Bearer \xe9\xff",
        "Bearer " + "x" * 5000,
    ],
)
def test_without_a_valid_key_there_is_nothing(client, header):
    secret = client.headers["Authorization"].split()[1]
    headers = {} if header is None else {"Authorization": header.format(key=secret)}
    answer = ApiClient(client.app).get("/api/jobs", headers=headers)
    assert errors_of(answer, 401) == {}
    assert answer.json["error"]["code"] == "unauthenticated"
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert secret not in answer.text


def test_every_route_but_the_open_ones_needs_a_key(app):
    for rule, method in rules(app):
        path = rule.rule.replace("<key>", "1").replace("<name>", "demo").replace("<token>", "x")
        is_open = rule.rule in OPEN or (rule.rule, method) == ("/api/channels/<name>", "POST")
        status = ApiClient(app).ask(method, path).status_code
        assert (status == 401) == (not is_open), (method, path, status)


PAST = {"from": "2025-12-20T00:00:00Z", "to": "2025-12-22T00:00:00Z"}  # a backfill's


def own_ids(client):
    """The ids of one of each kind of thing that a route's `<key>` may name, by the second part of the path."""
    job = client.created()
    client.post(f"/api/jobs/{job['id']}/cancel")
    log = client.get("/api/logs").json["data"][0]
    rule = client.post("/api/alerts", json={"name": "a", "to": [{"webhook": "https://a.example/"}]}).json["data"]
    schedule = client.created(cron="@daily")["schedule_id"]
    return {
        "alerts": [rule["id"]],
        "backfills": [client.post(f"/api/schedules/{schedule}/backfill", json=PAST).json["data"]["id"]],
        "incidents": [open_incident(rule["id"])],
        "endpoints": [client.post("/api/endpoints", json={"url": "https://a.example/"}).json["data"]["id"]],
        "jobs": [job["id"], job["job_id"]],
        "logs": [log["id"]],
        "operations": [client.post("/api/jobs/cancel", json={"all": True}).json["data"]["id"]],
        "schedules": [],  # made for each route: one of them deletes it
        "signing-keys": [client.post("/api/signing-keys").json["data"]["id"]],
    }


def test_another_account_s_ids_are_404_on_every_route_that_takes_one(client, stranger):
    own = own_ids(client)

    with_id = [(rule.rule, method) for rule, method in rules(client.app) if "<key>" in rule.rule]

    assert len(with_id) >= 10
    assert {rule.split("/")[2] for rule, _ in with_id} <= set(own), "add the new resource to own_ids"

    for rule, method in sorted(with_id, key=lambda each: each[1] == "DELETE"):
        if method == "PUT":
            continue  # needs a body; tests/api/routes/test_schedules.py has it
        if rule.endswith("/run-now"):  # of a job that waits
            own["jobs"] = [client.created()["id"]]
        own["schedules"] = [client.created(cron="@daily")["schedule_id"]]
        for key in own[rule.split("/")[2]]:
            path = rule.replace("<key>", str(key))
            body = {"json": {}} if method == "PATCH" else {"json": PAST} if path.endswith("/backfill") else {}
            before = all_rows()
            foreign = stranger.ask(method, path, **body)
            assert all_rows() == before, (method, path)
            missing = stranger.ask(method, rule.replace("<key>", "999"), **body)
            assert errors_of(foreign, 404) == {}, (method, path)
            assert foreign.json["error"]["message"] == missing.json["error"]["message"]
            assert client.ask(method, path, **body).status_code in (200, 201, 202, 204), (method, path)


def test_lists_show_only_the_account_s_own(client, stranger):
    job = client.created()
    client.post(f"/api/jobs/{job['id']}/cancel")
    assert stranger.get("/api/jobs").json == {"data": []}
    assert stranger.get("/api/logs").json == {"data": []}
    assert stranger.get(f"/api/logs?job_id={job['id']}").json == {"data": []}
    assert stranger.get(f"/api/logs?job_id={job['job_id']}").json == {"data": []}


def test_a_stranger_s_cancel_changes_nothing(client, stranger):
    job = client.created(schedule_in=60)
    stranger.post(f"/api/jobs/{job['job_id']}/cancel")
    stranger.ask("DELETE", f"/api/jobs/{job['id']}")
    assert client.get(f"/api/jobs/{job['id']}").json["data"] == job


def test_a_revoked_key_is_dead_within_a_second(client, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(key_cache.time, "monotonic", lambda: now[0])
    assert client.get("/api/jobs").status_code == 200
    execute("UPDATE api_key SET revoked_at = 1")
    now[0] += 1.0
    assert client.get("/api/jobs").status_code == 401
    assert key_cache.CACHED_S < 1


def test_a_known_key_is_not_looked_up_again_at_once(client, monkeypatch):
    monkeypatch.setattr(key_cache.time, "monotonic", lambda: 1000.0)
    lookups = []
    monkeypatch.setattr(key_cache.account_store, "account_of", lambda secret: lookups.append(secret))
    seen = key_cache.KeyCache("")
    seen._entries[key_format.digest(secret := key_format.new_key())] = key_cache.Entry(1000.1, key_cache.Caller(1, "u"))
    assert seen.caller_of(secret) == key_cache.Caller(1, "u")
    assert lookups == []


def asking_again(seen, secret, monkeypatch):
    """Whether somebody who asks while another is asking for the same key is believed."""
    believed = []

    def account_of(_):
        monkeypatch.setattr(key_cache.account_store, "account_of", lambda _: None)
        believed.append(seen.caller_of(secret))

    monkeypatch.setattr(key_cache.account_store, "account_of", account_of)
    assert seen.caller_of(secret) is None, "the thread that looks up the key gets what the database has now"
    return believed == [key_cache.Caller(1, "u")]


def test_while_a_thread_looks_up_a_key_the_others_use_an_entry_that_has_just_expired(monkeypatch):
    monkeypatch.setattr(key_cache.time, "monotonic", lambda: 1000.0)
    seen = key_cache.KeyCache("")
    seen._entries[key_format.digest(secret := key_format.new_key())] = key_cache.Entry(999.99, key_cache.Caller(1, "u"))
    assert asking_again(seen, secret, monkeypatch)
    assert seen.caller_of(secret) is None


def test_while_a_thread_looks_up_a_key_the_others_do_not_use_an_entry_that_expired_long_ago(monkeypatch):
    monkeypatch.setattr(key_cache.time, "monotonic", lambda: 1000.0)
    seen = key_cache.KeyCache("")
    seen._entries[key_format.digest(secret := key_format.new_key())] = key_cache.Entry(999.0, key_cache.Caller(1, "u"))
    assert not asking_again(seen, secret, monkeypatch)


def test_an_entry_is_prolonged_once_however_often_the_look_up_fails(monkeypatch):
    """Each failed look-up prolonged it, so a revoked key worked on for as long as they failed."""
    now, seen = [1000.0], key_cache.KeyCache("")
    monkeypatch.setattr(key_cache.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(key_cache.account_store, "account_of", lambda _: 1 / 0)
    seen._entries[key_format.digest(secret := key_format.new_key())] = key_cache.Entry(1000.0, key_cache.Caller(1, "u"))
    for passed in (0, key_cache.REFRESH_S, key_cache.REFRESH_S / 2):
        now[0] += passed
        with pytest.raises(ZeroDivisionError):
            seen.caller_of(secret)


def test_the_remembered_keys_are_bounded(app, account, monkeypatch):
    monkeypatch.setattr(key_cache, "CACHED_KEYS", 3)
    seen = key_cache.KeyCache("")
    for _ in range(10):
        assert seen.caller_of(account_store.create_key(account, "", clock.now())[1])
    assert len(seen._entries) <= 3


@pytest.mark.parametrize("secret", ["sk_wrong", "sk_" + "0" * 33, "sk_public_20230922"])
def test_a_malformed_key_is_refused_without_the_database(bare, secret):
    go_away()
    assert bare.get("/api/jobs", headers={"Authorization": f"Bearer {secret}"}).status_code == 401


def test_the_demo_key_works_while_it_is_on(app, settings):
    demo = ApiClient(app, DEMO_KEY)
    assert demo.get("/api/jobs").status_code == 401
    account_store.ensure_demo_key(settings.demo_key, clock.now())
    assert demo.get("/api/jobs").status_code == 200
