"""Sets up what leaves: endpoints, signing keys, channels, groups of targets, listeners, and declarations of them."""

import base64

from tests.support.scenes.machinery import Machinery

WHSEC = "whsec_" + "A" * 32
ANSWER = {
    "status": 201,
    "headers": [["X-Made", "yes"]],
    "body_base64": base64.b64encode(b"made").decode(),
    "truncated": False,
}
DECLARATIONS = (
    ("calendars", "holidays", {"days": ["2026-01-01"]}),
    ("calendars", "new", {"days": []}),
    ("groups", "regions", {"targets": [{"name": "eu", "url": "https://eu.example/"}]}),
    ("flows", "shop", {"rate": 20, "per": "1m"}),
    ("flows", "pinned", {"concurrency": 4}),
    ("endpoints", "https://back.example/all", {"types": ["job.error"]}),
    ("endpoints", "https://back.example/new", {}),
    ("channels", "slack", {"url": "https://hooks.slack.example/services/T/B/other"}),
    ("channels", "discord", {"url": "https://discord.example/api/webhooks/1/secret"}),
    ("alerts", "nightly", {"to": [{"slack": "https://hooks.slack.example/[redacted]"}], "on": ["failed"]}),
    ("alerts", "nightly", {"to": [{"webhook": "https://ops.example/"}], "after": 3}),
    ("alerts", "new", {"to": [{"webhook": "https://ops.example/"}]}),
)
WRONG_DECLARATIONS = (
    {"kind": "jobs", "name": "x", "fields": {}},
    {"kind": "flows", "name": "a/b", "fields": {}},
    {"kind": "flows", "name": "x", "fields": {"rate": 1}},
    {"kind": "channels", "name": "demo", "fields": {"url": "https://x.example/"}},
    {"kind": "alerts", "name": "", "fields": {"to": []}},
    {"kind": "calendars", "name": "a b", "fields": {"days": 1}},
    {"kind": "endpoints", "name": "x", "fields": {"types": ["x"]}},
    {"kind": "groups", "name": "x", "fields": {"targets": []}},
    {"kind": "groups", "name": 7, "fields": []},
    {"name": "x"},
    7,
)


def play(scene):
    alice, bob = scene.caller("alice"), scene.caller("bob")
    machinery = Machinery(scene, {"https://us.example": [None]})
    machinery.targets.hides = ("https://back",)
    scene.begin_page("outgoing")
    scene.title("Endpoints")
    endpoints(scene, alice, bob)
    scene.title("Signing keys")
    signing_keys(scene, alice, bob)
    scene.title("Channels")
    channels(scene, machinery, alice, bob)
    scene.title("Groups")
    groups(scene, machinery, alice, bob)
    scene.title("Declarations")
    declare(scene, alice, bob)
    scene.begin_page("listeners")
    listeners(scene, machinery, alice, bob)
    acknowledge(scene, alice)


def endpoints(scene, alice, bob):
    first = alice.post("/api/endpoints", {"url": "https://back.example/all"}).json["data"]["id"]
    scene.clock.advance(seconds=1)
    alice.post(
        "/api/endpoints",
        {
            "url": "https://back.example/some",
            "types": ["job.finished", "host.failing", "job.started"],
            "enabled": False,
        },
    )
    scene.clock.advance(seconds=1)
    alice.post("/api/endpoints", {"url": "https://back.example/all", "unique": True})
    alice.post("/api/endpoints", {"url": "https://back.example/all", "types": ["job.cancelled"]})
    bob.made("/api/endpoints", {"url": "https://back.example/of-bob"})
    alice.patch(f"/api/endpoints/{first}", {"types": ["job.error", "job.cancelled"], "enabled": False})
    alice.patch(f"/api/endpoints/{first}", {"url": "https://moved.example/", "types": None})
    alice.get("/api/endpoints")
    alice.get(f"/api/endpoints/{first}")
    for method in ("GET", "PATCH", "DELETE"):
        bob.ask(method, f"/api/endpoints/{first}", {} if method == "PATCH" else None)
    wrong = {
        "url": [None, "x", "http://back.example/"],
        "types": [[], ["job.done"], "job.error", [7]],
        "enabled": ["no"],
        "unique": [1],
        "x": [1],
    }
    alice.wrong("POST", "/api/endpoints", {"url": "https://back.example/x"}, wrong)
    alice.wrong("PATCH", f"/api/endpoints/{first}", {}, wrong)
    alice.wrong_fields("POST", "/api/endpoints", {})
    alice.delete(f"/api/endpoints/{first}")
    alice.delete(f"/api/endpoints/{first}")
    for number in range(19):
        answer = alice.quietly("POST", "/api/endpoints", {"url": f"https://back.example/{number}"})
    scene.write(f"{answer.status_code} {answer.json['error']['message']}")
    for endpoint in alice.quietly("GET", "/api/endpoints").json["data"][:-3]:
        alice.quietly("DELETE", f"/api/endpoints/{endpoint['id']}")


def signing_keys(scene, alice, bob):
    first = alice.post("/api/signing-keys").json["data"]["id"]
    scene.clock.advance(seconds=1)
    second = alice.post("/api/signing-keys", {"secret": WHSEC, "name": "own"}).json["data"]["id"]
    alice.post("/api/signing-keys", {"name": "third"})
    alice.post(f"/api/signing-keys/{first}/retire", {"after": "1h"})
    alice.post(f"/api/signing-keys/{first}/retire", {"after": "2h"})
    alice.get("/api/signing-keys")
    alice.delete(f"/api/signing-keys/{second}")
    scene.clock.advance(minutes=61)
    alice.get("/api/signing-keys")
    bob.get("/api/signing-keys")
    bob.post(f"/api/signing-keys/{first}/retire")
    bob.delete(f"/api/signing-keys/{first}")
    alice.wrong(
        "POST", "/api/signing-keys", {}, {"secret": ["x", "whsec_AA", 7], "name": ["", "x" * 101, 7], "id": [1]}
    )
    alice.wrong("POST", f"/api/signing-keys/{first}/retire", {}, {"after": [-1, "367d", "x"], "afer": [1]})


def channels(scene, machinery, alice, bob):
    message = {"author": "ann", "content": "hello *you* <b>"}
    alice.post("/api/channels/demo", message)
    scene.clock.advance(seconds=1)
    scene.visitor().post("/api/channels/demo", {"author": "bo", "content": "again", "$state": {}})
    alice.get("/api/channels/demo/messages")
    for number in range(100):
        alice.quietly("POST", "/api/channels/demo", {"author": "ann", "content": f"{number}"})
    kept = [each["content"] for each in alice.quietly("GET", "/api/channels/demo/messages").json["data"]]
    scene.write(f"{len(kept)} messages are kept, from {kept[0]} to {kept[-1]}")
    alice.get("/api/channels")
    for name in ("slack", "discord", "demo", "other"):
        alice.put(f"/api/channels/{name}", {"url": f"https://hooks.{name}.example/services/T/B/secret"})
        alice.post(f"/api/channels/{name}", message)
        bob.post(f"/api/channels/{name}", message)
    alice.post("/api/channels/discord", {"author": "ann", "content": "x" * 3000})
    machinery.go_on(2)
    alice.get("/api/channels")
    bob.get("/api/channels")
    alice.get("/api/jobs?kind=channel&limit=1")
    alice.post("/api/channels/slack", message)
    alice.delete("/api/channels/slack")
    alice.delete("/api/channels/slack")
    alice.get("/api/logs?event=worker.job.cancelled")
    alice.wrong(
        "POST",
        "/api/channels/demo",
        message,
        {"author": ["x" * 300, None], "content": ["x" * 100_001, 7], "channel": ["x"]},
    )
    alice.wrong("PUT", "/api/channels/slack", {}, {"url": ["x", None, 7, "http://x.example/"], "x": [1]})
    alice.made("/api/channels/slack", {"url": "https://hooks.slack.example/services/T/B/secret"}, "PUT")


def groups(scene, machinery, alice, bob):
    targets = [
        {"name": "eu", "url": "https://eu.example/hook", "headers": {"Authorization": "Bearer eu"}},
        {"name": "us", "url": "https://us.example/hook"},
    ]
    alice.put("/api/groups/regions", {"targets": targets[:1]})
    scene.clock.advance(seconds=1)
    alice.put("/api/groups/regions", {"targets": targets})
    alice.made("/api/groups/another", {"targets": targets[1:]}, "PUT")
    bob.made("/api/groups/regions", {"targets": [{"name": "b", "url": "https://b.example/"}]}, "PUT")
    alice.get("/api/groups")
    alice.get("/api/groups/regions")
    made = alice.post(
        "/api/jobs",
        {"group": "regions", "name": "set", "headers": {"X": "1", "Authorization": "mine"}, "idempotency_key": "g"},
    ).json["data"]
    alice.rows("POST", "/api/jobs", "job_id", "job.has_confict", fields={"group": "regions", "idempotency_key": "g"})
    alice.rows("GET", f"/api/jobs?parent={made[0]['id']}", "job_id", "name", "args.url")
    alice.made(
        "/api/schedules/of-group",
        {"group": "regions", "repeat_every": 600, "name": "of group", "schedule_in": 1},
        "PUT",
    )
    machinery.go_on(3)
    alice.rows("GET", f"/api/jobs/{made[0]['id']}/related", "job_id", "kind", "args.url")
    alice.rows("GET", "/api/jobs?kind=group", "job_id", "name", "job.state")
    alice.rows("GET", "/api/jobs?schedule=of-group", "job_id", "name", "job.state", "args.url")
    bob.post("/api/jobs", {"group": "another"})
    alice.delete("/api/groups/another")
    alice.get("/api/groups/another")
    alice.delete("/api/groups/a b")
    wrong = [
        [],
        {},
        [{"name": "x"}],
        [{"url": "https://x.example/"}],
        [{"name": "a", "url": "https://x.example/"}] * 2,
        [7],
        [{"name": "", "url": "x", "headers": {"Host": "x"}, "x": 1}],
        [{"name": "a", "url": "https://x.example/"}] * 101,
    ]
    alice.wrong("PUT", "/api/groups/x", {}, {"targets": wrong, "target": [1]})
    alice.put("/api/groups/a b", {"targets": targets})


def declare(scene, alice, bob):
    alice.made("/api/calendars/holidays", {"days": ["2026-01-02"]}, "PUT")
    alice.made("/api/flows/pinned", {"concurrency": 4}, "PUT")
    alice.made(
        "/api/alerts",
        {"name": "nightly", "on": ["failed"], "to": [{"slack": "https://hooks.slack.example/services/x"}]},
    )
    declared = [{"kind": kind, "name": name, "fields": fields} for kind, name, fields in DECLARATIONS]
    alice.post("/api/declarations/check", {"declarations": declared})
    alice.post("/api/declarations/check", {"declarations": list(WRONG_DECLARATIONS)})
    for wrong in ({}, {"declarations": []}, {"declarations": 7}):
        alice.wrong_fields("POST", "/api/declarations/check", wrong)
    alice.get("/api/declarations/limits")
    bob.get("/api/declarations/limits")


def listeners(scene, machinery, alice, bob):
    job = alice.made(
        "/api/jobs",
        {"url": "listener://laptop/hook?x=1", "name": "at laptop", "method": "post", "body": {"a": 1}, "timeout": 60},
    )
    away = alice.made("/api/jobs", {"url": "listener://laptop/away", "name": "away", "max_attempts": 1, "timeout": 20})
    alice.made("/api/jobs", {"url": "listener://laptop/away", "max_attempts": 1, "timeout": 25})
    alice.made("/api/jobs", {"url": "listener://desk/", "max_attempts": 1, "timeout": 25})
    machinery.go_on(2)
    alice.get(f"/api/jobs/{job['id']}/explain")
    alice.get("/api/listeners")
    taken = alice.post("/api/listeners/laptop/take", {"wait": 0, "limit": 1}).json["data"][0]["id"]
    alice.get(f"/api/jobs/{job['id']}/explain")
    alice.get("/api/listeners")
    bob.post("/api/listeners/laptop/take", {"wait": 0})
    path = f"/api/listeners/laptop/requests/{taken}/answer"
    bob.post(path, ANSWER)
    alice.post(path.replace("laptop", "other"), ANSWER)
    wrong = {
        "status": [199, 600, "x"],
        "headers": [{}, [["a"]], [["a b", "c"]]],
        "body_base64": ["a"],
        "truncated": ["x"],
        "error": ["lost", "timeout"],
    }
    alice.wrong("POST", path, ANSWER, wrong)
    alice.wrong_fields("POST", path, {})
    scene.clock.advance(seconds=0.75)
    alice.post(path, ANSWER)
    alice.post(path, ANSWER)
    machinery.go_on(30, step=10)
    alice.get(f"/api/jobs/{job['id']}/attempts")
    alice.get(f"/api/jobs/{away['id']}/attempts")
    alice.get(f"/api/logs?job_id={job['id']}&order_by=inserted_at,asc")
    failed = alice.made("/api/jobs", {"url": "listener://laptop/refused", "max_attempts": 1})
    machinery.go_on(1)
    taken = alice.quietly("POST", "/api/listeners/laptop/take", {"wait": 0}).json["data"][0]["id"]
    alice.post(f"/api/listeners/laptop/requests/{taken}/answer", {"error": "connection_refused"})
    machinery.go_on(2)
    alice.get(f"/api/jobs/{failed['id']}/attempts")
    scene.clock.advance(seconds=61)
    alice.get("/api/listeners")
    alice.wrong("POST", "/api/listeners/laptop/take", {"wait": 0}, {"limit": [0, 51], "wait": [-1, 21, "x"], "x": [1]})
    alice.post("/api/listeners/LAPTOP/take", {"wait": 0})


def acknowledge(scene, alice):
    nobody = scene.visitor()
    for path in ("/api/acks/x", "/api/acks/" + "A" * 64):
        nobody.post(path, {"success": True})
    nobody.wrong("POST", "/api/acks/" + "A" * 64, {}, {"success": ["yes", None], "body": ["x" * 65_600], "rows": [1]})
