"""Asks the small routes, and what says whether the process is well."""

from models.operations import heartbeats, ticker_row
from models.operations.heartbeats import Depths, WorkerRow
from models.rules import clock
from runtime import signals
from tests.support.scenes import figures


def play(scene):
    scene.begin_page("small")
    nobody = scene.visitor()
    nobody.get("/api/ping?x=1")
    form, message = "application/x-www-form-urlencoded", {"author": "ann", "content": "hi", "channel": "all"}
    for content_type, data in (
        ("application/json", '{"b": 1.50, "a": [1, null]}'),
        (form, "a[b]=1&c=%20"),
        ("text/html", "<b>"),
        ("image/png", b"\x89PNG"),
        ("text/plain", ""),
        ("application/json", "{"),
    ):
        answer = nobody.post("/api/echo", data=data, content_type=content_type)
        scene.write(f"as it came: {answer.data!r}")
    nobody.post("/api/broadcast", message | {"$job": {"id": 1}})
    nobody.wrong(
        "POST", "/api/broadcast", message, {"author": ["x" * 300, None], "content": [7], "channel": [""], "x": [1]}
    )
    for method, path in (
        ("GET", "/api/echo"),
        ("DELETE", "/api/ping"),
        ("POST", "/api/ping"),
        ("GET", "/api"),
        ("GET", "//api/ping"),
    ):
        nobody.ask(method, path)
    be_ready(scene, nobody)


def be_ready(scene, nobody):
    scene.title("Whether it is ready")
    nobody.get("/healthz")
    nobody.get("/readyz")
    ticker_row.record_seen(clock.now())
    nobody.get("/readyz")
    worker = WorkerRow("00000000-0000-7000-8000-00000000000a", "host", 7, "1", 80, 5, clock.now(), clock.now())
    heartbeats.record_heartbeat(worker)
    nobody.get("/readyz")
    ticker_row.record_delivered(clock.now())
    heartbeats.record_depths(Depths(4, 5, 6, clock.now()))
    nobody.get("/readyz")
    for seconds in (10, 1, 49, 1):
        scene.clock.advance(seconds=seconds)
        scene.write(f"after {seconds} s: {nobody.quietly('GET', '/readyz').json}")
        ticker_row.record_seen(clock.now())
        heartbeats.record_heartbeat(worker._replace(seen_at=clock.now(), slots_in_use=0 if seconds == 10 else 5))
    figures.show(scene.caller("bob"))
    scene.clock.advance(seconds=11)
    scene.write(f"{nobody.quietly('GET', '/readyz').json}")
    scene.monkeypatch.setattr(signals.stopping, "is_set", lambda: True)
    nobody.get("/readyz")
