"""Keeps alert rules of each condition, scope and way; lets schedules fail and recover; shows the messages."""

from tests.support.results import answered
from tests.support.scenes.history import no_answer
from tests.support.scenes.machinery import Machinery
from tests.support.scenes.measuring import forget_metrics, shown_metrics
from workers.transport.outcome import Refused

KEY = "0123456789abcdef0123456789abcdef"
EVERY_WAY = [
    {"webhook": "https://ops.example/hook?key=w"},
    {"slack": "https://hooks.slack.example/services/T1/B2/secret"},
    {"discord": "https://discord.example/api/webhooks/3/secret"},
    {"teams": "https://teams.example/workflows/4?sig=secret"},
    {"ntfy": "https://ntfy.example/secret-topic"},
    {"email": "ops@mail.example"},
    {"pagerduty": KEY},
]
FAILING = [answered(500, b"no", total_ms=8.0)]
UP_AGAIN = [FAILING[0], FAILING[0], answered(200, b"ok", total_ms=9.0)]
DOWN = no_answer("connect", "nothing listens", "connection_refused", 10.0)
ANSWERS = {
    "https://fails.example/nightly": UP_AGAIN,
    "https://fails.example": FAILING,
    "https://down.example": [DOWN, DOWN, answered(200, total_ms=11.0)],
    "https://gateway.example": [answered(code, total_ms=8.5) for code in (504, 503, 502, 505)],
    "https://flaps.example": [FAILING[0], answered(200, total_ms=12.0)] * 4,
    "https://long.example": [None],
    "https://hooks.slack.example": [answered(404, b"no_service", total_ms=14.0), answered(200, b"ok", total_ms=13.0)],
}
SCHEDULES = {
    "nightly": {"url": "https://fails.example/nightly", "repeat_every": 600, "labels": ["night", "ways"]},
    "fails <b>&": {
        "url": "https://fails.example/always",
        "repeat_every": 900,
        "labels": ["night"],
        "disable_after_failures": 4,
    },
    "down 1": {"url": "https://down.example/1", "repeat_every": 700, "labels": ["ways"]},
    "down 2": {"url": "https://down.example/2", "repeat_every": 710, "labels": ["ways"]},
    "by a gateway": {"url": "https://gateway.example/", "repeat_every": 3000},
    "flaps": {"url": "https://flaps.example/", "repeat_every": 300},
    "long": {"url": "https://long.example/", "repeat_every": 4000, "timeout": 3600},
    "late": {"url": "https://late.example/", "repeat_every": 800},
    "silent": {"url": "https://fine.example/silent", "repeat_every": 7000},
    "waits": {"url": "https://waits.example/", "repeat_every": 5000, "flow": {"key": "slow", "concurrency": 1}},
}
RULES = (
    {"name": "every way", "on": ["failed", "recovered"], "scope": {"label": "ways"}, "to": EVERY_WAY},
    {"name": "all", "on": ["failed", "recovered"], "to": [{"webhook": "https://ops.example/all"}]},
    {
        "name": "after two",
        "on": ["failed"],
        "scope": {"schedule": "nightly"},
        "after": 2,
        "to": [{"webhook": "https://ops.example/two"}],
    },
    {
        "name": "a share",
        "scope": {"label": "night"},
        "share": 0.5,
        "within": "1h",
        "at_least": 3,
        "to": [{"webhook": "https://ops.example/share"}],
    },
    {
        "name": "late",
        "on": ["late", "missed", "recovered"],
        "scope": {"host": "late.example"},
        "late_after": 120,
        "to": [{"webhook": "https://ops.example/late"}],
    },
    {"name": "long", "on": ["long", "recovered"], "long_after": "5m", "to": [{"webhook": "https://ops.example/long"}]},
    {
        "name": "silent",
        "on": ["silent"],
        "silent_after": "90m",
        "scope": {"schedule": "silent"},
        "to": [{"webhook": "https://ops.example/silent"}],
    },
    {
        "name": "waiting",
        "on": ["waiting", "recovered"],
        "scope": {"flow": "slow"},
        "waiting_after": 600,
        "to": [{"webhook": "https://ops.example/waiting"}],
    },
    {
        "name": "quiet",
        "quiet": {"from": "08:00", "to": "09:50", "timezone": "UTC"},
        "scope": {"host": "fails.example"},
        "to": [{"webhook": "https://ops.example/quiet"}],
    },
    {
        "name": "muted",
        "muted_until": "2026-01-01T09:45:00Z",
        "scope": {"host": "fails.example"},
        "to": [{"webhook": "https://ops.example/muted"}],
    },
    {"name": "disabled", "enabled": False, "to": [{"webhook": "https://ops.example/disabled"}]},
    {
        "name": "repeats",
        "on": ["failed"],
        "repeat_every": "9m",
        "scope": {"schedule": "fails-b-"},
        "to": [{"webhook": "https://ops.example/repeats"}],
    },
)
WRONG = {
    "name": ["", "x" * 101, 7, "a\nb"],
    "on": [[], ["recovered"], ["failing"], "failed"],
    "scope": [
        {},
        {"account": False},
        {"label": ""},
        {"host": "a/b"},
        {"flow": ""},
        {"schedule": "none"},
        {"tag": "x"},
        {"label": "a", "host": "b"},
    ],
    "after": [0, 1001, "2"],
    "share": [0, 1.1, True, "x"],
    "within": ["59s", "25h", "x"],
    "at_least": [0, 1001],
    "late_after": [59, "91d"],
    "long_after": ["x"],
    "silent_after": [0],
    "waiting_after": [-1],
    "repeat_every": [59],
    "quiet": [
        {},
        {"from": "24:00", "to": "07:00", "timezone": "UTC"},
        {"from": "07:00", "to": "07:00", "timezone": "UTC"},
        {"from": "07:00", "to": "08:00", "timezone": "Mars"},
        "night",
    ],
    "to": [
        [],
        {},
        [{}],
        [{"fax": "1"}],
        [{"webhook": "x"}],
        [{"email": "x"}],
        [{"pagerduty": "short"}],
        [{"slack": "[redacted]"}],
        [{"webhook": "https://a.example/"}] * 11,
    ],
    "enabled": ["yes", 1],
    "muted_until": ["2025-01-01T00:00:00Z", "x", "2028-01-01T00:00:00Z"],
    "unique": ["x"],
    "nam": [1],
}


EDGES = {  # which are taken
    "name": ["x" * 100],
    "after": [1, 1000],
    "share": [1],
    "within": [60, "1d"],
    "at_least": [1, 1000],
    "late_after": [60, "90d"],
    "repeat_every": [60],
    "to": [[{"webhook": "https://a.example/"}] * 10],
}


def play(scene):
    alice, bob = scene.caller("alice"), scene.caller("bob")
    machinery = Machinery(scene, ANSWERS)
    forget_metrics()
    machinery.targets.hides = tuple(
        f"https://{host}.example" for host in ("gateway", "fails", "down", "flaps", "long", "late", "fine", "waits")
    )
    machinery.targets.is_brief = True
    scene.begin_page("alerts")
    ids = make(scene, alice, bob)
    scene.begin_page("messages")
    live(scene, machinery, alice, bob)
    scene.begin_page("incidents")
    look(scene, alice, bob)
    act(scene, machinery, alice, bob)
    scene.begin_page("messages")
    scene.title("Tests of rules")
    try_ways(scene, machinery, alice, bob, ids)
    scene.begin_page("status_page")
    show_status(scene, alice, bob)
    scene.begin_page("alert_metrics")
    scene.write(
        "".join(line for line in shown_metrics().splitlines(True) if "incidents" in line or "alert_messages" in line)
    )


def make(scene, alice, bob):
    for name, fields in SCHEDULES.items():
        key = "".join(character if character.isalnum() else "-" for character in name).replace("--", "-")
        alice.made(f"/api/schedules/{key.replace('--', '-')}", {"name": name, "max_attempts": 1, **fields}, "PUT")
        scene.clock.advance(seconds=0.5)
    bob.made(
        "/api/schedules/nightly",
        {"url": "https://fails.example/of-bob", "name": "of bob", "repeat_every": 650, "max_attempts": 1},
        "PUT",
    )
    ids = {}
    for rule in RULES:
        ids[rule["name"]] = alice.post("/api/alerts", rule).json["data"]["id"]
        scene.clock.advance(seconds=0.25)
    bob.made("/api/alerts", {"name": "of bob", "on": ["failed"], "to": [{"webhook": "https://bob.example/hook"}]})
    change(alice, bob, ids)
    least = {"name": "x", "to": [{"webhook": "https://a.example/"}]}
    alice.wrong("POST", "/api/alerts", least, WRONG)
    alice.wrong_fields("POST", "/api/alerts", {})
    alice.wrong_fields("POST", "/api/alerts", {**least, "name": "late", "unique": True})
    return ids


def change(alice, bob, ids):
    path = f"/api/alerts/{ids['disabled']}"
    alice.patch(path, {"name": "off", "after": 7, "share": 0.25, "scope": {"label": "x"}})
    alice.patch(
        path,
        {"share": None, "quiet": {"from": "22:00", "to": "07:30", "timezone": "Europe/Berlin"}, "repeat_every": "1h"},
    )
    alice.patch(
        path,
        {
            "to": [
                {"slack": "https://hooks.slack.example/other"},
                {"pagerduty": KEY},
                {"ntfy": "https://ntfy.example/x"},
            ]
        },
    )
    shown = [
        {"slack": "https://hooks.slack.example/[redacted]"},
        {"pagerduty": "[redacted]"},
        {"webhook": "https://ops.example/x"},
    ]
    alice.patch(path, {"to": shown, "quiet": None})
    alice.patch(path, {"to": [{"teams": "https://teams.example/[redacted]"}]})
    alice.wrong("PATCH", path, {}, EDGES)
    alice.patch(path, {"name": "off", "enabled": False})
    alice.rows("GET", "/api/alerts", "id", "name", "on", "scope", "enabled", "to", "inserted_at")
    for method, sent in (("GET", None), ("PATCH", {"name": "y"}), ("DELETE", None)):
        bob.ask(method, path, sent)
    bob.post(f"{path}/test")
    alice.delete(path)
    alice.get(path)
    alice.get("/api/alerts/x")


def live(scene, machinery, alice, bob):
    """An hour and a half: an outage of ten minutes, the flow paused in between."""
    alice.made("/api/flows/slow/pause", {"reason": "holidays"})
    machinery.mails.outcomes = [answered(250, total_ms=15.0), Refused("mail_refused", "550")]
    machinery.go_on(120, step=20)
    machinery.go_on(1500, step=150)
    acknowledge(alice, "repeats")
    scene.clock.advance(minutes=11)
    machinery.steady_s += 660
    machinery.go_on(60, step=30)
    alice.made("/api/flows/slow/resume", None)
    machinery.go_on(3600, step=240)


def acknowledge(alice, rule):
    """From now on the first incident of this rule is not sent again."""
    incidents = alice.quietly("GET", "/api/incidents?limit=100").json["data"]
    key = next(each["id"] for each in incidents if each["alert"] == rule)
    alice.made(f"/api/incidents/{key}/acknowledge", None)


def look(scene, alice, bob):
    listed = ("alert", "type", "title", "subjects", "flapping", "opened_at", "closed_at", "detail")
    for query in (
        "?limit=100",
        "?state=open",
        "?state=closed&limit=3",
        "?order_by=opened_at,asc&limit=4",
        "?limit=2&offset=1",
    ):
        alice.rows("GET", f"/api/incidents{query}", *listed)
    bob.rows("GET", "/api/incidents", *listed)
    alice.wrong_queries("/api/incidents", "state=muted", "order_by=closed_at,asc", "limit=0", "x=1", "cursor=x")


def act(scene, machinery, alice, bob):
    incidents = alice.quietly("GET", "/api/incidents?limit=100").json["data"]
    of_rule = {}
    for incident in incidents:
        of_rule.setdefault((incident["alert"], incident["type"]), incident["id"])
    for key in of_rule.values():
        alice.get(f"/api/incidents/{key}")
    path = f"/api/incidents/{of_rule['repeats', 'failed']}"
    alice.post(f"{path}/acknowledge")
    scene.clock.advance(seconds=7)
    alice.post(f"{path}/mute", {"until": "2026-01-02T00:00:00Z"})
    alice.post(f"{path}/mute")
    alice.post(f"{path}/mute", {"until": None})
    alice.post(f"{path}/mute", {"until": "2025-01-01T00:00:00Z"})
    alice.post(f"{path}/close")
    for verb in ("acknowledge", "mute", "close"):
        bob.post(f"{path}/{verb}")
    bob.get(path)
    alice.get("/api/incidents/x")


def try_ways(scene, machinery, alice, bob, ids):
    alice.post(f"/api/alerts/{ids['every way']}/test")
    machinery.go_on(90, step=30)
    for fields in ({"target": 5}, {"target": 7}, {"target": -1}, {"targets": 1}):
        alice.post(f"/api/alerts/{ids['every way']}/test", fields)
    statuses = []
    while 429 not in statuses:
        answer = alice.quietly("POST", f"/api/alerts/{ids['every way']}/test", {"target": 0})
        statuses.append(answer.status_code)
    scene.write(f"{statuses} {answer.headers['Retry-After']} {answer.json['error']['message']}")
    alice.rows("GET", "/api/jobs?kind=alert&limit=100", "job_id", "name", "job.state", "args.url")


def show_status(scene, alice, bob):
    alice.get("/api/status-page")
    alice.delete("/api/status-page")
    first = alice.post("/api/status-page").json["data"]["url"].removeprefix("https://booper.example")
    second = alice.post("/api/status-page").json["data"]["url"].removeprefix("https://booper.example")
    bob.get("/api/status-page")
    alice.get("/api/status-page")
    nobody = scene.visitor()
    scene.write(f"{nobody.quietly('GET', first).status_code} {nobody.quietly('GET', second).status_code}")
    alice.delete("/api/status-page")
    scene.write(f"{nobody.quietly('GET', second).status_code}")
