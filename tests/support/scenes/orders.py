"""Orders jobs of every form, and whatever is refused with the words of its refusal."""

HOOK = "https://shop.example/hook"
EVERYTHING = {
    "url": "https://shop.example/orders?a=1",
    "method": "POST",
    "headers": {"X-Shop": "north", "Authorization": "Bearer hidden"},
    "query": {"b": [2, 3], "c": {"d": True}},
    "body": {"order": 17, "lines": [1.50, None]},
    "schedule_in": [90, "minutes"],
    "name": "invoice",
    "description": "sends an invoice",
    "idempotency_key": "invoice-17",
    "labels": ["customer:5", "night"],
    "max_attempts": 4,
    "timeout": "45s",
    "ack_within": "2h",
    "backoff": {"exponential": {"base": 2, "factor": 3, "cap": 100}, "jitter": "full"},
    "success": {"status": ["2xx", 409], "body": "ok"},
    "stop_on": [422],
    "max_age": "3h",
    "redact": ["X-Shop", "body"],
    "flow": {"key": "shop-42", "rate": 10, "per": "1m", "concurrency": 3},
    "lane": {"key": "user-42", "on_failure": "stop"},
    "callback_url": "https://back.example/done",
    "callback_on": "attempt",
    "failure_callback_url": "https://back.example/failed",
    "webhook_url": "https://back.example/events",
}
TIMES = (
    *(
        {"schedule_in": 0},
        {"schedule_in": 1.5},
        {"schedule_in": "1h30m"},
        {"schedule_in": "2w 3ms"},
        {"schedule_in": [2, "days"]},
    ),
    *(
        {"schedule_in": [1, "week"]},
        {"schedule_in": [3, "hour"]},
        {"schedule_in": "366d"},
        {"scheduled_at": "2026-02-01T09:00:00"},
    ),
    *({"scheduled_at": "2026-02-01T09:00:00+05:30"}, {"scheduled_at": "2026-02-01T09:00:00.1234567Z"}),
    *({"scheduled_at": 1767300000}, {"scheduled_at": 1767300000123}, {"scheduled_at": "2020-01-01T00:00:00Z"}),
    *({"scheduled_at": "2026-02-01T09:00:00+05"}, {"scheduled_at": 99999999999}, {"max_age": "1d", "schedule_in": 5}),
)
WRONG = {
    "url": [
        None,
        7,
        "",
        "x",
        "http://shop.example/",
        "https://u:p@shop.example/",
        "https:///x",
        "https://shop.example:99999/",
        "ftp://shop.example/",
        "https://shop.example/" + "x" * 8200,
        "https://127.0.0.1/",
        "listener://LAPTOP/",
        "https://a b/",
    ],
    "method": ["fetch", 7, None, "trace", ""],
    "headers": [
        "x",
        {"X": 1},
        {"a b": "x"},
        {"X": "a\nb"},
        {"Host": "x"},
        {"Booper-Job-Id": "x"},
        {"webhook-id": "x"},
        {"X": "x" * 8193},
        {f"X{n}": "" for n in range(51)},
        {"A": "1", "a": "2"},
        {"Content-Length": "3"},
    ],
    "query": ["a=1", [1], {"a": "x" * 9000}],
    "body_base64": [7, "a", "AA", "AAA=\n"],
    "schedule_in": [-1, "5", "x", [1], [1, "year"], ["1", "hours"], True, "367d", [367, "days"], 1e99, {}],
    "scheduled_at": ["tomorrow", "2026-02-30T00:00:00Z", "2026-01-01", True, "2028-01-01T00:00:00Z", 1e30, []],
    "max_attempts": [0, 101, "3", 1.5, True],
    "idempotency_key": ["", "x" * 256, 7, "a\nb"],
    "dedup": [
        "x",
        {},
        {"key": ""},
        {"key": "a", "content": True},
        {"key": "a", "for": "31d"},
        {"key": "a", "for": 0.5},
        {"content": False},
        {"key": "a", "until": 3},
    ],
    "name": ["x" * 256, 7],
    "description": ["x" * 4097, []],
    "timeout": [0, 0.5, 7201, "x", [1, "minute"], "3h"],
    "ack_within": [0, "8d", "x"],
    "backoff": [
        "x",
        {},
        {"fixed": 0.5},
        {"fixed": -1},
        {"fixed": "x"},
        {"exponential": {}},
        {"delays": []},
        [],
        [1, "x"],
        {"exponential": {"base": 1, "factor": 0.5, "cap": 9}},
        {"fixed": 5, "jitter": "half"},
        {"fixed": 1, "delays": [1]},
        {"exponential": {"base": 2, "factor": 2, "cap": 1}},
        {"fixed": 99999999},
        {"exponential": {"base": 1, "top": 2}},
    ],
    "labels": ["x", [""], ["x" * 51], [str(n) for n in range(11)], ["a", "a"], [7]],
    "max_age": [-1, "x", "367d"],
    "success": [
        "ok",
        {},
        {"status": []},
        {"status": [99]},
        {"status": ["6xx"]},
        {"body": ""},
        {"body": "x" * 1001},
        {"status": [200] * 51},
        {"text": "x"},
    ],
    "stop_on": ["4xx", [600], [True], [str(n) for n in range(400, 451)]],
    "redact": ["body", [7], ["a b"], ["x"] * 101],
    "flow": [
        "",
        {},
        {"key": "x", "rate": 5},
        {"key": "x", "per": "1m"},
        {"key": "x", "rate": 0, "per": "1m"},
        {"key": "x", "rate": 1, "per": "8d"},
        {"key": "x", "concurrency": 10_001},
        {"key": "x" * 129},
        {"key": "x", "speed": 1},
    ],
    "lane": ["", {"key": "x", "on_failure": "halt"}, {"on_failure": "stop"}, 7, {"key": "x", "stop": True}],
    "callback_url": ["x", "http://back.example/", 7],
    "callback": ["https://u@back.example/"],
    "callback_on": ["start", "attempt"],
    "failure_callback_url": ["ftp://x"],
    "webhook_url": ["https://"],
    "webhook": [""],
    "group": ["a b", "", 7, "regions"],
    "repeat_every": [0, 0.5, "x", "367d", [1, "minutes", 2]],
    "cron": [
        "x",
        "61 * * * *",
        "* * * * * * *",
        "@secondly",
        7,
        "0 0 30 2 *",
        "*/10 * * * * *",
        "0 0 * * MOO",
        "5-1 * * * *",
    ],
    "timezone": ["Europe/Berlin", "Mars"],
    "overlap": ["allow", "both"],
    "misfire": ["once", "twice"],
    "catch_up_seconds": [59, 60, 604801],
    "jitter_seconds": [-1, 0, 3601],
    "disable_after_failures": [0, 3, 1001],
    "starts_at": ["x", "2026-05-01T00:00:00Z"],
    "until": ["9000-01-01T00:00:00Z", "2026-05-01T00:00:00Z"],
    "max_runs": [0, 5, 1_000_000_001],
    "exclude": [[], ["2026-13-01"], {"calendars": ["x"]}, {"days": [{"from": "2026-02-02", "to": "2026-02-01"}]}],
    "shedule_at": ["x"],
    "urls": [1],
}
SEVERAL = (
    {},
    {"url": HOOK, "schedule_in": 5, "scheduled_at": 7},
    {"url": HOOK, "body": 1, "body_base64": "AAE="},
    {"url": HOOK, "group": "regions"},
    {"url": HOOK, "dedup": {"key": "a"}, "cron": "@daily"},
    {"url": HOOK, "callback_url": HOOK, "callback": HOOK, "webhook_url": HOOK, "webhook": HOOK},
    {"url": HOOK, "cron": "@daily", "repeat_every": 60},
    {"url": HOOK, "repeat_every": 60, "timezone": "UTC", "starts_at": 5, "schedule_in": 5},
    {"url": HOOK, "cron": "@daily", "timezone": "Europe/Berln", "idempotency_key": "x"},
    {"url": HOOK, "repeat_every": 60, "until": "2025-01-01T00:00:00Z"},
    {"url": HOOK, "cron": "@daily", "exclude": {"calendars": ["none"]}},
    {"url": HOOK, "method": "x", "headers": {"Host": "a", "b c": "d"}, "timeout": 0, "max_attempts": 0},
)
EDGES = {  # which are taken
    "timeout": [1, 7200],
    "ack_within": [1, "7d"],
    "max_attempts": [1, 100],
    "name": ["x" * 255],
    "description": ["x" * 4096],
    "labels": [[str(number) for number in range(10)], ["x" * 50]],
    "schedule_in": ["366d"],
    "max_age": ["366d"],
    "idempotency_key": ["x" * 255],
    "backoff": [
        {"fixed": 1},
        [1] * 100,
        {"delays": [1]},
        "engine",
        {"exponential": {"base": 1, "factor": 1, "cap": 1}},
    ],
    "flow": [
        {"key": "x" * 128, "rate": 1_000_000, "per": "7d", "concurrency": 10_000},
        {"key": "x", "rate": 1, "per": "1s", "concurrency": 1},
    ],
    "lane": ["x" * 128],
    "headers": [{f"X{number}": "" for number in range(50)}, {"X": "x" * 8191}],
    "success": [{"status": [200] * 50}, {"body": "x" * 1000}, {"status": [999]}],
    "stop_on": [[200], [999]],
    "dedup": [{"key": "a", "for": 1}, {"key": "b", "for": "30d"}, {"key": "x" * 255}],
}
RECURRING_EDGES = {
    "catch_up_seconds": [60, 604_800],
    "jitter_seconds": [0, 3600],
    "disable_after_failures": [1, 1000],
    "max_runs": [1, 1_000_000_000],
    "exclude": [["2026-05-05"] * 200, ["2026-05-05"] * 201],
    "until": ["2026-01-01T10:00:00Z", "8999-12-31T23:59:59Z"],
}
PLACES = ("", "/7", "/x", "/00000000-0000-7000-8000-000000000000", "/9999999999999999999999")


def play(scene):
    scene.begin_page("orders")
    alice, bob = scene.caller("alice"), scene.caller("bob")
    scene.title("Orders")
    for fields in ({"url": HOOK}, EVERYTHING, *({"url": HOOK, **times} for times in TIMES)):
        scene.clock.advance(seconds=1)
        if fields is EVERYTHING or fields == {"url": HOOK}:
            alice.post("/api/jobs", fields)
        else:
            show_due(alice, fields)
    scene.title("Orders that count once")
    repeat(scene, alice, bob)
    scene.title("Batches")
    in_batches(scene, alice)
    scene.title("Forms and other bodies")
    bodies(alice)
    scene.title("What is refused")
    alice.wrong("POST", "/api/jobs", {"url": HOOK}, WRONG)
    scene.title("What is just taken")
    alice.wrong("POST", "/api/jobs", {"url": HOOK}, EDGES)
    alice.wrong("POST", "/api/schedules", {"url": HOOK, "repeat_every": 1}, RECURRING_EDGES)
    scene.title("What is refused together")
    for fields in SEVERAL:
        alice.wrong_fields("POST", "/api/jobs", fields)
    look_wrongly(scene, alice)


def show_due(alice, fields):
    """When the job is due, or why it is refused."""
    answer = alice.quietly("POST", "/api/jobs", fields)
    shown = {name: value for name, value in fields.items() if name != "url"}
    if answer.status_code != 201:
        alice.scene.write(f"{shown} -> {answer.json['error']['errors']}")
        return
    job = answer.json["data"]["job"]
    alice.scene.write(f"{shown} -> {job['scheduled_at']} {job['state']}")


def repeat(scene, alice, bob):
    again = {"url": HOOK, "idempotency_key": "invoice-17"}
    alice.post("/api/jobs", again)
    bob.post("/api/jobs", again)
    for fields in ({"dedup": {"key": "a", "for": "30s"}}, {"dedup": {"content": True}, "headers": {"Date": "x"}}):
        for seconds in (0, 29, 1, 570):
            scene.clock.advance(seconds=seconds)
            answer = alice.quietly("POST", "/api/jobs", {"url": HOOK, **fields})
            job = answer.json["data"]
            scene.write(f"{fields} after {seconds} s: {answer.status_code} {job['job_id']} {job['job']['has_confict']}")
    kept = {"Idempotency-Key": "once"}
    alice.post("/api/jobs", {"url": HOOK, "name": "once"}, headers=kept)
    alice.post("/api/jobs", {"name": "once", "url": HOOK}, headers=kept)
    alice.post("/api/jobs", {"url": HOOK, "name": "twice"}, headers=kept)
    alice.post("/api/schedules", {"url": HOOK, "name": "once"}, headers=kept)
    alice.post("/api/jobs", {"url": HOOK}, headers={"Idempotency-Key": ""})


def in_batches(scene, alice):
    jobs = [
        {"url": HOOK, "name": "first", "idempotency_key": "k"},
        {"url": "x"},
        {"url": HOOK, "idempotency_key": "k"},
        7,
    ]
    alice.post("/api/jobs/batch", {"jobs": jobs})
    alice.post(
        "/api/jobs/batch",
        {"jobs": [{"url": HOOK, "group": "regions"}, {"group": "regions"}, {"url": HOOK, "cron": "@daily"}]},
    )
    alice.rows(
        "POST",
        "/api/jobs/batch",
        "name",
        "job.state",
        "job.scheduled_at",
        fields={
            "jobs": [
                {"url": HOOK, "name": "one hour", "schedule_in": "1h"},
                {"url": HOOK, "name": "two hours", "schedule_in": "2h"},
            ]
        },
    )
    for wrong in (
        {},
        {"jobs": []},
        {"jobs": {}},
        {"jobs": [{"url": HOOK}] * 1001},
        {"jobs": [{"url": HOOK}], "all": 1},
    ):
        answer = alice.quietly("POST", "/api/jobs/batch", wrong)
        scene.write(f"{str(wrong)[:40]}: {answer.status_code} {answer.json['error']['errors']}")


def bodies(alice):
    form = "application/x-www-form-urlencoded"
    for content_type, data in (
        (form, "url=https%3A%2F%2Fshop.example%2F&body[content]=hi&schedule_in[]=30&schedule_in[]=seconds&timeout=40"),
        (form, "url=https%3A%2F%2Fshop.example%2F&labels[]=a&labels[]=b&max_attempts=x"),
        (form, "url=%FF"),
        ("application/json", '{"url": '),
        ("application/json", '{"url": "https://shop.example/", "url": "https://other.example/"}'),
        ("application/json", "[]"),
        ("application/json", '{"url": "https://shop.example/", "body": 1e999}'),
        ("application/json", b'"\xff"'),
        ("application/json", ""),
        ("text/plain", "hello"),
        ("application/json; charset=latin-1", "{}"),
    ):
        alice.post("/api/jobs", data=data, content_type=content_type)
    alice.post("/api/jobs", data="{}", content_type="application/json", headers={"Content-Encoding": "gzip"})


def look_wrongly(scene, alice):
    alice.wrong_queries(
        *(
            "/api/jobs",
            "state=done",
            "kind=x",
            "after=x",
            "before=2026-02-30",
            "label=",
            "host=a/b",
            "parent=x",
            "text=",
        ),
        *("schedule=a b", "flow=", "status_code=600", "status_code=7xx", "due=soon", "replayed=maybe", "expand=all"),
        *(
            "limit=0",
            "limit=101",
            "limit=x",
            "offset=-1",
            "offset=100001",
            "cursor=abc",
            "order_by=name",
            "order_by=name,up",
        ),
        *(
            "order_by=url,asc",
            "unknown=1",
            "cursor=abc&offset=1",
            "label=x&offset=1",
            "label=x&order_by=name,asc",
            "limit=1&limit=2",
        ),
        *("host=x&order_by=scheduled_at,asc", "host=x&state=scheduled&order_by=scheduled_at,asc", "stat=x"),
    )
    nobody = scene.visitor()
    for method, path in (
        ("GET", "/api/jobs?limit=1"),
        ("POST", "/api/jobs"),
        ("GET", "/api/unknown"),
        ("PUT", "/api/jobs"),
    ):
        nobody.ask(method, path)
        alice.ask(method, path)
    for place in PLACES[1:]:
        alice.get(f"/api/jobs{place}")
    for authorization in ("Bearer sk_wrong", "Basic abc", "Token " + alice.secret, alice.secret):
        answer = nobody.quietly("GET", "/api/jobs?limit=1", headers={"Authorization": authorization})
        scene.write(f"{authorization}: {answer.status_code} {answer.headers.get('WWW-Authenticate')}")
