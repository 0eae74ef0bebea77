"""Does something to many jobs at once: cancels, retries and deletes by filters, counts first, and stops in between."""

LISTED = ("job_id", "name", "job.state")


def play(scene, history):
    scene.title("Counting")
    count(history.alice, history)
    scene.title("Acting")
    act(scene, history)
    scene.title("Single jobs")
    change(scene, history)
    scene.title("What is wrong")
    wrong(history.alice)


def count(alice, history):
    for action in ("cancel", "retry", "delete"):
        for chosen in ({"host": "fine.example"}, {"label": "customer:*"}, {"ids": [1, history.ids["down"]]}):
            alice.post(f"/api/jobs/{action}", {"filter": chosen, "dry_run": True})
        alice.post(f"/api/jobs/{action}", {"all": True, "dry_run": True})
        alice.post(f"/api/jobs/{action}", {"all": True, "dry_run": True, "limit": 2})
    alice.post("/api/jobs/retry", {"filter": {"state": "discarded", "replayed": False}, "dry_run": True})


def act(scene, history):
    alice, bob = history.alice, history.bob
    orders = (
        ("retry", {"filter": {"state": "discarded", "reason": "status_500"}}),
        ("cancel", {"filter": {"label": "night"}}),
        ("delete", {"filter": {"state": "completed"}, "limit": 3}),
        ("delete", {"filter": {"state": "completed", "kind": "callback"}}),
    )
    made = []
    for action, fields in orders:
        made.append(alice.post(f"/api/jobs/{action}", fields).json["data"]["id"])
        scene.clock.advance(seconds=2.5)
    alice.rows("GET", "/api/operations", "id", "action", "state", "done", "failed", "left", "more_left")
    alice.post(f"/api/operations/{made[3]}/cancel")
    history.machinery.go_on(3)
    for key in made:
        alice.get(f"/api/operations/{key}")
    for query in (
        "?state=done",
        "?state=cancelled",
        "?state=running",
        "?limit=1",
        "?limit=2&offset=1",
        "?order_by=inserted_at,asc",
    ):
        alice.rows("GET", f"/api/operations{query}", "id", "action", "state", "done", "failed", "left", "more_left")
    alice.post(f"/api/operations/{made[0]}/cancel")
    alice.rows("GET", "/api/jobs?limit=100", *LISTED)
    bob.get("/api/operations")
    bob.get(f"/api/operations/{made[0]}")
    bob.post(f"/api/operations/{made[0]}/cancel")


def change(scene, history):
    alice, bob, ids = history.alice, history.bob, history.ids
    later = alice.made(
        "/api/jobs", {"url": "https://fine.example/change", "name": "change", "schedule_in": "5h", "labels": ["x"]}
    )
    path = f"/api/jobs/{later['id']}"
    scene.clock.advance(seconds=1)
    alice.patch(path, {"name": "changed", "headers": {"X-A": "b"}, "labels": None, "max_attempts": 3})
    alice.patch(path, {"schedule_in": "7h"})
    alice.patch(path, {"scheduled_at": None, "body": [1, 2], "method": "put"})
    alice.patch(path, {"idempotency_key": "x", "flow": "y", "url": "http://fine.example/"})
    alice.patch(f"/api/jobs/{ids['plain']}", {"name": "other"})
    alice.patch(f"/api/jobs/{ids['plain']}", {"name": "plain"})
    alice.patch(f"/api/jobs/{ids['open']}", {"name": "other"})
    bob.patch(path, {"name": "other"})
    alice.get(f"/api/logs?job_id={later['id']}")
    alice.post(f"{path}/run-now")
    for name in ("old", "plain", "open", "due later"):
        alice.post(f"/api/jobs/{ids[name]}/run-now")
    callback = alice.quietly("GET", "/api/jobs?kind=callback&limit=1").json["data"][0]["id"]
    alice.patch(f"/api/jobs/{callback}", {"name": "other"})
    alice.post(f"/api/jobs/{callback}/run-now")
    alice.post(f"/api/jobs/{callback}/retry")
    alice.post(f"/api/jobs/{ids['old']}/cancel")
    alice.delete(f"/api/jobs/{later['job_id']}")
    alice.post(f"/api/jobs/{ids['gone']}/cancel")
    alice.post(f"/api/jobs/{ids['text']}/retry")
    alice.post(
        f"/api/jobs/{ids['gone']}/retry",
        {"method": "post", "body_base64": "AAE=", "schedule_in": 90, "max_attempts": 9},
    )
    alice.post(
        f"/api/jobs/{ids['cut']}/retry",
        {"query": None, "headers": {"X-New": "1"}, "scheduled_at": "2026-01-05T00:00:00+02:00"},
    )
    alice.post(f"/api/jobs/{ids['gone']}/retry", {"name": "x", "timeout": 3})
    for verb in ("cancel", "run-now", "retry"):
        bob.post(f"/api/jobs/{ids['gone']}/{verb}")


def wrong(alice):
    for action in ("cancel", "retry", "delete"):
        alice.wrong_fields("POST", f"/api/jobs/{action}", {})
        alice.wrong_fields("POST", f"/api/jobs/{action}", {"filter": {}})
        alice.wrong_fields("POST", f"/api/jobs/{action}", {"filter": {"kind": "request"}})
        alice.wrong_fields("POST", f"/api/jobs/{action}", {"filter": {"state": "completed"}, "all": True})
        alice.wrong_fields("POST", f"/api/jobs/{action}", {"filter": {"state": "completed"}, "dry_run": True})
        alice.wrong_fields("POST", f"/api/jobs/{action}", {"filter": {"state": "available"}, "dry_run": True})
    wrong_filter = {"filter": {"labels": "x", "ids": [], "limit": 3, "host": None}, "limit": 0, "dry_run": "yes"}
    alice.wrong_fields("POST", "/api/jobs/retry", wrong_filter)
    alice.wrong_fields("POST", "/api/jobs/retry", {"filter": "all", "all": 1})
    alice.wrong_fields("POST", "/api/jobs/retry", {"filter": {"ids": [1, "x"]}})
    alice.wrong_queries("/api/operations", "state=failed", "order_by=done,asc", "limit=101", "cursor=x", "offset=-1")
    alice.get("/api/operations/7")
