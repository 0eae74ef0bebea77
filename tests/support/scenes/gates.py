"""Holds jobs back: flows with rates and concurrency, lanes, hosts that are paused, rest or fail, a paused account."""

from tests.support.results import answered
from tests.support.scenes.machinery import Machinery

ANSWERS = {
    "https://open.example": [None],
    "https://rests.example": [
        answered(429, headers=[("Retry-After", "120")], total_ms=3.0),
        answered(200, total_ms=4.0),
    ],
    "https://busy.example": [answered(503, headers=[("Retry-After", "Thu, 01 Jan 2026 09:07:00 GMT")], total_ms=8.0)],
    "https://fails.example": [answered(502, total_ms=5.0)] * 4 + [answered(200, total_ms=6.0)],
    "https://stops.example": [answered(410, total_ms=7.0)],
}
LISTED = ("key", "rate", "per_seconds", "concurrency", "pinned", "under_way", "started_in_window", "waiting", "next_at")
WRONG_LIMITS = {"rate": [0, "x", 1_000_001], "per": ["1ms", "8d", 60], "concurrency": [0, 10_001], "speed": [1]}
WRONG_PAUSE = {"until": ["2025-01-01T00:00:00Z", "x", "2028-01-01T00:00:00Z"], "reason": ["x" * 256, 7], "for": [1]}


def play(scene):
    alice, bob = scene.caller("alice"), scene.caller("bob")
    machinery = Machinery(scene, ANSWERS)
    machinery.targets.hides = tuple(
        f"https://{host}.example" for host in ("fine", "open", "rests", "fails", "stops", "busy", "held")
    )
    scene.begin_page("gates")
    alice.made("/api/endpoints", {"url": "https://back.example/hosts", "types": ["host.failing", "host.recovered"]})
    ids = order(scene, alice, bob)
    machinery.go_on(2)
    scene.title("Flows")
    look_at_flows(scene, alice, bob)
    change_flows(scene, alice, bob)
    scene.title("Lanes")
    lanes(scene, machinery, alice, bob, ids)
    scene.title("Hosts")
    hosts(scene, machinery, alice, bob, ids)
    scene.title("The account")
    account(scene, machinery, alice, bob, ids)
    scene.title("Why they wait")
    explain(scene, alice, ids)


def order(scene, alice, bob):
    rated, few = {"key": "rated", "rate": 2, "per": "1m"}, {"key": "few", "concurrency": 1}
    ids = {}
    for name, fields in (
        *[(f"rated {number}", {"flow": rated, "url": "https://fine.example/r"}) for number in range(5)],
        *[(f"few {number}", {"flow": few, "url": "https://open.example/f"}) for number in range(3)],
        *[(f"lane {number}", {"lane": "first", "url": "https://open.example/l"}) for number in range(3)],
        *[
            (f"stop {number}", {"lane": {"key": "stopping", "on_failure": "stop"}, "url": "https://stops.example/"})
            for number in range(3)
        ],
        *[(f"rests {number}", {"url": "https://rests.example/"}) for number in range(2)],
        *[
            (f"fails {number}", {"url": f"https://fails.example/{number}", "backoff": {"fixed": 60}})
            for number in range(4)
        ],
        *[(f"busy {number}", {"url": "https://busy.example/", "timeout": 9}) for number in range(2)],
        *[("held", {"url": "https://held.example/", "schedule_in": 4})],
    ):
        ids[name] = alice.made("/api/jobs", {"name": name, "timeout": 300, **fields})["id"]
        scene.clock.advance(seconds=0.5)
    bob.made(
        "/api/jobs",
        {"url": "https://fine.example/", "flow": {"key": "rated", "rate": 77, "per": "1h"}, "lane": "of bob"},
    )
    alice.made("/api/flows/empty", {"concurrency": 8}, "PUT")
    alice.made("/api/hosts/held.example/pause", {"reason": "repairs"})
    return ids


def look_at_flows(scene, alice, bob):
    alice.get("/api/flows/rated")
    alice.get("/api/flows/few")
    for query in (
        "",
        "?limit=1",
        "?order_by=inserted_at,asc",
        "?limit=1&offset=1",
        "?text=rat",
        "?text=RAT",
        "?order_by=key,asc",
    ):
        alice.rows("GET", f"/api/flows{query}", *LISTED)
    bob.rows("GET", "/api/flows", *LISTED)
    bob.get("/api/flows/few")
    alice.get("/api/flows/none")
    alice.wrong_queries("/api/flows", "limit=0", "text=", "order_by=rate,asc", "state=open")


def change_flows(scene, alice, bob):
    alice.patch("/api/flows/rated", {"rate": 3})
    alice.patch("/api/flows/rated", {"per": None})
    alice.put("/api/flows/rated", {"rate": 1, "per": "2m", "concurrency": 5})
    alice.made(
        "/api/jobs",
        {"url": "https://fine.example/late", "flow": {"key": "rated", "rate": 9, "per": "1s"}, "schedule_in": "1h"},
    )
    alice.get("/api/flows/rated")
    alice.post("/api/flows/few/pause", {"until": "2026-01-01T10:00:00Z", "reason": "a rest"})
    alice.post("/api/flows/few/resume")
    alice.post("/api/flows/new/pause")
    alice.post("/api/flows/rated/reset")
    alice.delete("/api/flows/rated")
    alice.get("/api/flows/rated")
    for method, path in (("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/resume"), ("POST", "/reset")):
        bob.ask(method, f"/api/flows/few{path}", {} if method in ("PUT", "PATCH") else None)
    alice.wrong("PUT", "/api/flows/x", {}, WRONG_LIMITS)
    alice.wrong("PATCH", "/api/flows/few", {}, WRONG_LIMITS)
    alice.wrong("POST", "/api/flows/few/pause", {}, WRONG_PAUSE)


def lanes(scene, machinery, alice, bob, ids):
    machinery.go_on(1)
    alice.get("/api/lanes/stopping")
    for query in ("", "?order_by=inserted_at,asc&limit=1", "?text=first"):
        alice.rows("GET", f"/api/lanes{query}", "key", "on_failure", "waiting", "paused", "inserted_at")
    bob.rows("GET", "/api/lanes", "key")
    alice.patch("/api/lanes/first", {"on_failure": "stop"})
    alice.wrong("PATCH", "/api/lanes/first", {}, {"on_failure": ["halt", None], "stop": [True]})
    alice.post("/api/lanes/first/pause", {"reason": "wait"})
    alice.post("/api/lanes/first/resume")
    alice.post("/api/lanes/stopping/resume")
    alice.post("/api/lanes/none/resume")
    for method, path in (("GET", ""), ("PATCH", ""), ("POST", "/resume")):
        bob.ask(method, f"/api/lanes/first{path}", {"on_failure": "go_on"} if method == "PATCH" else None)
    alice.wrong("POST", "/api/lanes/first/pause", {}, WRONG_PAUSE)


def hosts(scene, machinery, alice, bob, ids):
    machinery.go_on(3)
    for host in (
        "busy.example",
        "rests.example",
        "fails.example",
        "held.example",
        "HELD.example",
        "fine.example",
        "a b",
    ):
        alice.get(f"/api/hosts/{host}")
    for query in ("", "?order_by=inserted_at,asc&limit=1", "?text=rests", "?limit=1&offset=1"):
        alice.rows(
            "GET", f"/api/hosts{query}", "host", "failures", "next_probe_at", "waiting", "paused", "closed_until"
        )
    alice.post("/api/hosts/held.example/resume")
    alice.post("/api/hosts/other.example/pause", {"until": "2026-01-01T09:10:00Z"})
    alice.post("/api/hosts/rests.example/resume")
    alice.post("/api/hosts/none.example/resume")
    alice.wrong("POST", "/api/hosts/held.example/pause", {}, WRONG_PAUSE)
    bob.get("/api/hosts")
    bob.post("/api/hosts/held.example/resume")
    machinery.go_on(120, step=30)
    alice.get("/api/hosts/fails.example")


def account(scene, machinery, alice, bob, ids):
    alice.get("/api/pause")
    alice.made("/api/jobs", {"url": "https://fine.example/p", "name": "of the account"})
    alice.post("/api/pause", {"until": "2026-01-01T09:30:00Z", "reason": "all stop"})
    machinery.go_on(2)
    alice.get("/api/pause")
    bob.get("/api/pause")
    alice.wrong("POST", "/api/pause", {}, WRONG_PAUSE)
    waiting = alice.quietly("GET", "/api/jobs?name=of the account").json["data"][0]["id"]
    alice.get(f"/api/jobs/{waiting}/explain")
    alice.post("/api/resume")
    machinery.go_on(2)
    alice.post("/api/resume")


def explain(scene, alice, ids):
    for name, key in ids.items():
        reasons = alice.quietly("GET", f"/api/jobs/{key}/explain").json["data"]["reasons"]
        for reason in reasons:
            scene.write(f"{name}: {reason['code']}: {reason['text']} {reason['at']}")
