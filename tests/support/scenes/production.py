"""Asks an API in production: what only embedded mode does is left out."""

PRODUCTION = {
    "BOOPER_BROKER_URL": "amqp://broker.example",
    "BOOPER_DATABASE_URL": "postgresql://h/n",
    "BOOPER_PUBLIC_URLS": "",
    "BOOPER_MAX_TIMEOUT_SECONDS": "70",
    "BOOPER_MIN_INTERVAL_SECONDS": "300",
    "BOOPER_HORIZON_DAYS": "9",
    "BOOPER_MAX_SCHEDULES": "1",
    "BOOPER_MAX_BODY_BYTES": "1024",
    "BOOPER_MAX_BATCH_BYTES": "1024",
    "BOOPER_METRICS_TOKEN": "token-of-metrics",
}


def play(scene):
    scene.begin_page("production")
    alice, bob, nobody = scene.caller("alice"), scene.caller("bob"), scene.visitor()
    message = {"author": "ann", "content": "hello"}
    for caller in (nobody, alice, bob):
        caller.post("/api/channels/demo", message | {"content": f"from {caller.name}"})
        scene.clock.advance(seconds=1)
    for caller in (nobody, alice, bob):
        caller.get("/api/channels/demo/messages")
    url = {"url": "https://fine.example/"}
    for fields in (
        {"ack_within": 60},
        {"timeout": 70},
        {"timeout": 71},
        {"schedule_in": "10d"},
        {"cron": "* * * * *"},
        {"repeat_every": 299},
    ):
        alice.wrong_fields("POST", "/api/jobs", {**url, **fields})
    alice.wrong_fields("POST", "/api/jobs", {"url": "http://fine.example/"})
    alice.wrong_fields("POST", "/api/jobs", {**url, "body": "x" * 2000}, "a long body")
    alice.wrong_fields("POST", "/api/jobs/batch", {"jobs": [{**url, "body": "x" * 2000}]}, "a long batch")
    alice.put("/api/schedules/first", {**url, "cron": "@daily"})
    alice.wrong_fields("PUT", "/api/schedules/second", {**url, "cron": "@daily"}, "a second schedule")
    alice.get("/api/schedules/first/badge")
    alice.get("/api/declarations/limits")
    alice.post("/api/status-page")
    for headers in (
        {},
        {"X-Forwarded-For": "1.2.3.4"},
        {"X-Forwarded-For": "1.2.3.4", "Authorization": "Bearer token-of-metrics"},
        {"Authorization": "Bearer x", "Via": "x"},
        {"Host": "booper.example"},
    ):
        scene.write(f"metrics {headers}: {nobody.quietly('GET', '/metrics', headers=headers).status_code}")
