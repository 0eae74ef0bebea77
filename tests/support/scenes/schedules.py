"""Makes schedules of every form, lets time pass with outages, failures and pauses, and asks what came of it."""

from tests.support.results import answered
from tests.support.scenes.machinery import Machinery

URL = "https://fine.example/{}"
FULL = {
    "url": "https://fine.example/full",
    "method": "post",
    "name": "full",
    "description": "has every field",
    "cron": "30 9 * * MON-FRI",
    "timezone": "Europe/Berlin",
    "overlap": "queue_one",
    "misfire": "all",
    "catch_up_seconds": 7200,
    "jitter_seconds": 90,
    "disable_after_failures": 5,
    "starts_at": "2026-01-03T00:00:00Z",
    "until": "2026-06-01T00:00:00Z",
    "exclude": {"days": ["2026-01-06", {"from": "2026-02-02", "to": "2026-02-08"}], "calendars": ["holidays", "plant"]},
    "max_runs": 77,
    "labels": ["night"],
    "body": {"seen": "$previous.rows.0", "keep": "$state.count"},
    "timeout": 45,
    "max_attempts": 3,
}
ANSWERS = {
    "https://fine.example/state": [
        answered(200, b'{"rows": [11, 12], "$set": {"count": 1}}', total_ms=5.0),
        answered(200, b'{"rows": [21]}', total_ms=6.0),
        answered(200, b'"$' + b"x" * 70_000 + b'"', total_ms=7.0),
    ],
    "https://fail.example": [answered(500, b"no", total_ms=8.0)],
    "https://flap.example": [answered(500, total_ms=9.0), answered(200, total_ms=9.5)],
    "https://open.example": [None],
}
PREVIEWS = (
    *(
        "cron=0 9 * * 1-5&count=3",
        "cron=@hourly&count=2",
        "cron=30 2 * * *&timezone=Europe/Berlin&from=2026-03-28T00:00:00Z&count=3",
    ),
    *("cron=30 2 * * *&timezone=America/New_York&from=2026-10-31T12:00:00Z&count=3", "cron=0 0 L * *&count=3"),
    *(
        "cron=0 0 LW * *&count=3",
        "cron=0 12 15W * *&count=3",
        "cron=0 9 * * FRI%232&count=3",
        "cron=0 9 * * 5L&count=3",
    ),
    *(
        "cron=*/20 * * * * *&count=3",
        "cron=0 0 29 2 *&count=2",
        "cron=15,45 8-10/2 1 JAN,JUL *&count=4",
        "cron=0 0 1 * MON&count=4",
    ),
    *("repeat_every=300&count=2", "repeat_every=5,minutes&count=2&from=1767258017", "repeat_every=1.5,hours&count=2"),
    *(
        "cron=@daily&starts_at=2026-01-10T00:00:00Z&until=2026-01-12T00:00:00Z",
        "cron=@daily&exclude=2026-01-02,2026-01-04/2026-01-06&count=3",
    ),
    *(
        "cron=@daily&calendars=holidays&count=3",
        "cron=@monthly&count=1",
        "cron=@yearly&count=1",
        "cron=@weekly&count=1",
    ),
    *(
        "cron=0 8 * * *&timezone=Asia/Calcutta&count=1",
        "cron=59 23 31 12 *",
        "cron=*/7 * * * *&count=10&from=2026-01-01T08:50:00Z",
    ),
)
WRONG_PREVIEWS = (
    *("", "cron=x", "cron=@daily&repeat_every=5", "repeat_every=x", "cron=@daily&count=0", "cron=@daily&count=101"),
    *(
        "cron=@daily&timezone=Mars",
        "cron=@daily&exclude=x",
        "cron=@daily&calendars=none",
        "cron=@daily&from=3001-01-01T00:00:00Z",
    ),
    *("repeat_every=5&timezone=UTC", "cron=@daily&unknown=1", "cron=@daily&calendars=a b"),
)


def play(scene):
    alice, bob = scene.caller("alice"), scene.caller("bob")
    scene.begin_page("schedules")
    machinery = Machinery(scene, ANSWERS)
    scene.title("Calendars")
    keep_calendars(scene, alice, bob)
    scene.title("Making and finding")
    make(scene, alice, bob)
    scene.title("Previews")
    preview(alice)
    scene.title("Changing")
    change(scene, alice, bob)
    scene.begin_page("runs")
    machinery.targets.hides = (
        "https://o",
        "https://fa",
        "https://fl",
        "https://fine.example/f",
        "https://fine.example/d",
    )
    run(scene, machinery, alice, bob)


def keep_calendars(scene, alice, bob):
    alice.put("/api/calendars/holidays", {"days": ["2026-01-05", {"from": "2026-01-02", "to": "2026-01-03"}]})
    scene.clock.advance(seconds=1)
    alice.put("/api/calendars/plant", {"days": []})
    scene.clock.advance(seconds=1)
    bob.put("/api/calendars/holidays", {"days": ["2026-01-09"]})
    alice.put("/api/calendars/free", {"days": ["2027-01-01"]})
    scene.clock.advance(seconds=1)
    alice.put("/api/calendars/plant", {"days": ["2026-01-30"]})
    alice.get("/api/calendars")
    alice.get("/api/calendars/holidays")
    bob.get("/api/calendars/plant")
    alice.put("/api/calendars/a b", {"days": []})
    alice.wrong(
        "PUT",
        "/api/calendars/x",
        {},
        {"days": [7, ["x"], [{"from": "2026-01-01"}], ["2026-01-01"] * 501], "dais": [[]]},
    )
    alice.delete("/api/calendars/free")
    alice.delete("/api/calendars/free")
    alice.get("/api/calendars/free?x=1")


def make(scene, alice, bob):
    alice.post("/api/schedules", FULL)
    scene.clock.advance(seconds=3)
    alice.post("/api/jobs", {"url": URL.format("b"), "name": "b", "repeat_every": [90, "minutes"], "schedule_in": 600})
    scene.clock.advance(seconds=3)
    alice.put("/api/schedules/a-key", {"url": URL.format("a"), "name": "a", "cron": "@daily"})
    alice.put("/api/schedules/a-key", {"url": URL.format("a"), "name": "a", "cron": "0 0 * * *", "timezone": "UTC"})
    scene.clock.advance(seconds=3)
    bob.put("/api/schedules/a-key", {"url": URL.format("bob"), "name": "a of bob", "cron": "@weekly"})
    alice.put("/api/schedules/c-key", {"url": URL.format("c"), "name": "c", "repeat_every": 86400, "max_runs": 2})
    alice.post("/api/schedules/c-key/disable")
    for query in (
        "",
        "?order_by=name,asc",
        "?order_by=name,desc",
        "?order_by=disabled_at,asc",
        "?order_by=inserted_at,asc",
        "?limit=2&offset=1",
    ):
        alice.rows("GET", f"/api/schedules{query}", "name", "inserted_at", "disabled_at", "frequency")
    alice.get("/api/schedules/a-key?expand=key,health")
    alice.rows(
        "GET", "/api/schedules?expand=key,health", "key", "health.state", "health.next_at", "health.success_rate"
    )
    bob.rows("GET", "/api/schedules", "name")
    for path in ("/a-key", "/check", "/a b", "/unknown"):
        bob.get(f"/api/schedules{path}")
    alice.wrong_queries("/api/schedules", "order_by=key,asc", "limit=0", "expand=runs", "cursor=x", "name=x")
    for key in ("check", "preview", "a b", "00000000-0000-7000-8000-000000000000", "x" * 101):
        alice.wrong_fields(
            "PUT", f"/api/schedules/{key}", {"url": URL.format("x"), "cron": "@daily"}, f"PUT {key[:40]}"
        )
    alice.wrong_fields("POST", "/api/schedules", {"url": URL.format("x")})
    alice.wrong_fields(
        "POST",
        "/api/schedules",
        {"url": URL.format("x"), "cron": "@daily", "idempotency_key": "k", "dedup": {"key": "a"}},
    )
    alice.wrong_fields("POST", "/api/schedules", {"group": "none", "cron": "@daily"})
    checks = [
        {"key": "a-key", "url": URL.format("a"), "name": "a", "cron": "@daily"},
        {"key": "a-key", "url": URL.format("z"), "cron": "@daily"},
        {"key": "new", "url": URL.format("new"), "repeat_every": 60},
        {"key": "c-key", "url": URL.format("c"), "name": "c", "repeat_every": 86400, "max_runs": 2},
        {"key": "past", "url": URL.format("p"), "repeat_every": 60, "until": "2025-01-01T00:00:00Z"},
        {"key": "check", "url": URL.format("x"), "cron": "x"},
    ]
    alice.post("/api/schedules/check", {"schedules": checks})
    alice.wrong_fields("POST", "/api/schedules/check", {"schedules": []})


def preview(alice):
    for query in PREVIEWS:
        answer = alice.quietly("GET", f"/api/schedules/preview?{query}").json
        data = answer.get("data") or answer
        alice.scene.write(f"{query}\n  {data.get('description')}\n  {' '.join(data.get('instants', []))}")
    alice.wrong_queries("/api/schedules/preview", *WRONG_PREVIEWS)


def change(scene, alice, bob):
    path = "/api/schedules/a-key"
    alice.patch(path, {"name": "a changed", "labels": ["x"], "overlap": "allow"})
    show_next(alice, "a changed")
    alice.patch(path, {"cron": "0 12 * * *", "timezone": "Asia/Tokyo"})
    show_next(alice, "a changed")
    alice.patch(path, {"cron": None, "timezone": None, "repeat_every": 3600, "schedule_in": 120})
    show_next(alice, "a changed")
    alice.patch(path, {"until": "2026-01-01T09:30:00Z"})
    show_next(alice, "a changed")
    alice.patch(path, {"overlap": None, "exclude": ["2026-01-01"]})
    alice.patch(path, {"repeat_every": None})
    alice.patch(path, {"idempotency_key": "x", "shedule_in": 5})
    bob.patch("/api/schedules/c-key", {"name": "x"})
    alice.post("/api/schedules/c-key/enable")
    alice.post("/api/schedules/c-key/enable")
    alice.post("/api/schedules/c-key/run")
    alice.post("/api/schedules/unknown/run")
    for verb in ("disable", "enable", "run"):
        bob.post(f"/api/schedules/c-key/{verb}")
    alice.delete("/api/calendars/holidays")
    scene.clock.advance(seconds=2)
    alice.put("/api/calendars/holidays", {"days": ["2026-01-05"]})
    alice.rows("GET", "/api/calendars", "name", "size", "schedules", "applied", "updated_at")
    bob.delete("/api/schedules/c-key")
    alice.delete("/api/schedules/c-key")
    alice.delete("/api/schedules/c-key")
    alice.rows("GET", "/api/jobs?limit=100", "job_id", "name", "job.state", "job.scheduled_at")


def show_next(alice, name):
    jobs = alice.quietly("GET", f"/api/jobs?name={name}&state=scheduled").json["data"]
    alice.scene.write("next: " + " ".join(job["job"]["scheduled_at"] for job in jobs))


RUNNING = {  # key: fields
    "fine": {"url": "https://fine.example/f", "repeat_every": 600},
    "state": {"url": "https://fine.example/state", "method": "post", "repeat_every": 1200, "body": FULL["body"]},
    "fails": {"url": "https://fail.example/", "repeat_every": 900, "max_attempts": 1, "disable_after_failures": 3},
    "flaps": {"url": "https://flap.example/", "repeat_every": 1500, "backoff": {"fixed": 30}},
    "skips": {"url": "https://open.example/s", "repeat_every": 700, "timeout": 5400},
    "queues": {"url": "https://open.example/q", "repeat_every": 800, "timeout": 5400, "overlap": "queue_one"},
    "misfires": {"url": "https://fine.example/d", "repeat_every": 1000, "misfire": "all"},
    "not made up": {"url": "https://fine.example/d", "repeat_every": 1100, "misfire": "skip", "catch_up_seconds": 1800},
    "ends": {"url": "https://fine.example/d", "repeat_every": 1300, "max_runs": 2},
    "paused": {"url": "https://held.example/", "repeat_every": 1900, "catch_up_seconds": 60},
    "jitters": {"url": "https://fine.example/d", "repeat_every": 2000, "jitter_seconds": 300},
}


def run(scene, machinery, alice, bob):
    for name, fields in RUNNING.items():
        key = name.replace(" ", "-")
        alice.made(f"/api/schedules/{key}", {**fields, "name": name}, "PUT")
        scene.clock.advance(seconds=1.5)
    bob.made("/api/schedules/fine", {"url": "https://fine.example/f", "repeat_every": 650}, "PUT")
    alice.made("/api/hosts/held.example/pause", None)
    machinery.go_on(60, step=30)
    machinery.go_on(3000, step=300)
    scene.clock.advance(hours=2)  # nothing runs meanwhile
    machinery.steady_s += 7200
    machinery.go_on(60, step=20)
    show_runs(alice, bob)
    backfill(scene, machinery, alice, bob)
    for event in ("worker.schedule.disabled", "worker.schedule.not_kept"):
        alice.get(f"/api/logs?event={event}")
    badges(scene, alice, bob)


def show_runs(alice, bob):
    for name in RUNNING:
        key = name.replace(" ", "-")
        alice.rows(
            "GET",
            f"/api/schedules/{key}/runs?limit=60",
            "fire_at",
            "status",
            "job_id",
            "lateness_ms",
            "decided_at",
            "count",
        )
    alice.get("/api/schedules/misfires/runs?limit=2")
    for query in (
        "?status=late",
        "?order_by=fire_at,asc&limit=2",
        "?order_by=status,asc&limit=3",
        "?order_by=decided_at,asc&limit=2",
        "?limit=2&offset=1",
    ):
        alice.rows("GET", f"/api/schedules/misfires/runs{query}", "fire_at", "status", "decided_at")
    bob.rows("GET", "/api/schedules/fine/runs", "fire_at", "status")
    bob.get("/api/schedules/skips/runs")
    alice.wrong_queries("/api/schedules/fine/runs", "status=done", "order_by=job_id,asc", "limit=0", "x=1")
    alice.rows("GET", "/api/schedules?expand=key,health&limit=40&order_by=name,asc", "key", "health", "disabled_at")
    alice.rows("GET", "/api/jobs?schedule=queues&limit=20", "job_id", "job.state", "job.scheduled_at")
    for reason in ("paused", "queues", "fails"):
        for job in alice.quietly("GET", f"/api/jobs?schedule={reason}&limit=1").json["data"]:
            alice.get(f"/api/jobs/{job['id']}/explain")


def backfill(scene, machinery, alice, bob):
    path = "/api/schedules/not-made-up/backfill"
    made = alice.post(path, {"from": "2026-01-01T08:00:00Z", "to": "2026-01-01T10:30:00Z"}).json["data"]["id"]
    alice.post(path, {"from": "2026-01-01T08:00:00Z", "to": "2026-01-01T08:30:00Z"})
    machinery.go_on(3)
    alice.get(f"/api/backfills/{made}")
    alice.post(f"/api/backfills/{made}/cancel")
    scene.clock.advance(seconds=1)
    other = alice.post(path, {"from": 1767250000, "to": 1767254000}).json["data"]["id"]
    bob.get(f"/api/backfills/{other}")
    bob.post(f"/api/backfills/{other}/cancel")
    alice.post(f"/api/backfills/{other}/cancel")
    alice.rows(
        "GET",
        "/api/schedules/not-made-up/backfills",
        "id",
        "state",
        "instants",
        "made",
        "passed_over",
        "left",
        "ended_at",
    )
    alice.rows("GET", "/api/schedules/not-made-up/backfills?limit=1", "id")
    alice.rows("GET", "/api/schedules/not-made-up/runs?status=backfilled", "fire_at", "status", "job_id")
    fields = {"from": "2026-01-01T08:00:00Z", "to": "2026-01-01T08:30:00Z"}
    alice.wrong(
        "POST",
        path,
        fields,
        {
            "from": ["x", None, "2026-01-01T08:30:01Z", "2020-01-01T00:00:00Z"],
            "to": ["2026-01-02T00:00:00Z", 7],
            "x": [1],
        },
    )
    alice.wrong_fields("POST", path, {})
    alice.wrong_queries("/api/schedules/fine/backfills", "limit=0", "limit=101", "offset=1")


def badges(scene, alice, bob):
    nobody = scene.visitor()
    for name in RUNNING:
        key = name.replace(" ", "-")
        badge = alice.quietly("GET", f"/api/schedules/{key}/badge").json["data"]
        drawn = nobody.quietly("GET", badge["json"].removeprefix("https://booper.example")).json
        scene.write(f"{name}: {badge['state']} {drawn['message']} {drawn['color']} {drawn['label']}")
    badge = alice.get("/api/schedules/fails/badge").json["data"]
    for address in (
        badge["svg"],
        badge["json"],
        badge["svg"].replace("badges/A", "badges/B"),
        badge["json"] + "?cache=1",
    ):
        nobody.get(address.removeprefix("https://booper.example"))
    bob.get("/api/schedules/fails/badge")
