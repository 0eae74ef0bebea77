"""Lets jobs of every kind run: each outcome of an attempt, each form of an answer, each way to notify.

Two accounts have the same names for different things.
"""

from tests.support.scenes.machinery import Machinery
from workers.transport.outcome import Answered, Refused, Timings, Unreachable

NORTH = {
    "BOOPER_BREAKER_FAILURES": "3",
    "BOOPER_SMTP_URL": "smtp://mail.example",
    "BOOPER_SMTP_FROM": "b@booper.example",
}
HEADERS = [("Content-Type", "application/json"), ("Set-Cookie", "session=abc"), ("X-Shop", "north")]
SIGNING = ["whsec_" + letter * 32 for letter in "NESW"]


def slow(status=200, body=b"fine", headers=(), truncated=False, unreadable=False, first=0.0):
    """An answer all of whose phases differ."""
    timings = Timings(first + 1.25, first + 2.5, first + 3.75, first + 11.0, first + 12.5)
    return Answered(status, list(headers), body, truncated, timings, unreadable)


def no_answer(reason, detail, cause=None, total_ms=31.0):
    return Unreachable(reason, detail, Timings(dns_ms=1.5, connect_ms=2.0, total_ms=total_ms), cause)


ANSWERS = {
    "https://fine.example": [slow(201, b'{"made": 5}', HEADERS)],
    "https://text.example": [slow(200, "größe".encode(), [("Content-Type", "text/plain")], first=20)],
    "https://bytes.example": [slow(200, b"\xff\xfe\x00", truncated=True, first=40)],
    "https://cut.example": [slow(203, b"half", unreadable=True, first=60)],
    "https://busy.example": [slow(503, b"later", [("Retry-After", "40")]), slow(500, b"broken"), slow(204, b"")],
    "https://limit.example": [slow(429, b"slow down", [("Retry-After", "600")]), slow(200)],
    "https://down.example": [
        no_answer("connect", "nothing listens at 203.0.113.9:443", "connection_refused", 33.5),
    ],
    "https://inner.example": [no_answer("connect", "10.0.0.7 refused", None, 35.5)],
    "https://nowhere.example": [no_answer("dns", "no such name", "name_unknown", 37.5)],
    "https://silent.example": [no_answer("timeout", "no byte within 3 s", None, 3000.0)],
    "https://reset.example": [no_answer("reset", "the connection ended", None, 41.5)],
    "https://old.example": [no_answer("tls", "certificate has expired", "certificate_expired", 43.5)],
    "https://babble.example": [no_answer("protocol", "no HTTP", None, 45.5), slow(200)],
    "https://private.example": [Refused("blocked_address", "10.0.0.8 is private")],
    "https://gone.example": [slow(410, b"gone")],
    "https://moved.example": [slow(301, b"", [("Location", "https://new.example/secret")])],
    "https://stop.example": [slow(418, b"teapot")],
    "https://abort.example": [slow(500, b"no more", [("Webhook-Delivery", "abort-message")])],
    "https://never.example": [slow(489, b"no", [("Upstash-NonRetryable-Error", "true")])],
    "https://wrong.example": [slow(200, b"not this"), slow(200, b"all ok now")],
    "https://accepts.example": [slow(409, b"there already")],
    "https://later.example": [slow(202, b"soon", [("Booper-Complete", "later")])],
    "https://open.example": [None],
    "https://back.example/broken": [slow(500, b"not me"), slow(200)],
    "https://shop.example/failing": [slow(502, b"bad")],
}

JOBS = [  # name, host, fields
    ("plain", "fine.example", {}),
    ("posted", "fine.example", {"method": "post", "body": {"n": 1, "half": 0.50}, "headers": {"X-Shop": "north"}}),
    ("text", "text.example", {"method": "put", "body": "wörter", "labels": ["customer:5", "night"]}),
    ("bytes", "bytes.example", {"method": "patch", "body_base64": "AAEC/w==", "labels": ["customer:7"]}),
    ("cut", "cut.example", {"method": "delete", "query": {"a": [1, 2], "b": {"c": True}}}),
    ("busy", "busy.example", {"max_attempts": 5, "labels": ["customer:5"], "flow": {"key": "shop", "concurrency": 9}}),
    ("limit", "limit.example", {"max_attempts": 6}),
    (
        "down",
        "down.example",
        {"max_attempts": 2, "backoff": {"fixed": 30}, "lane": {"key": "user", "on_failure": "stop"}},
    ),
    ("behind", "fine.example", {"lane": "user"}),
    ("inner", "inner.example", {"max_attempts": 1, "redact": ["body"], "body": {"secret": 1}, "method": "post"}),
    ("nowhere", "nowhere.example", {"max_attempts": 3, "backoff": [20, 7000]}),
    ("silent", "silent.example", {"max_attempts": 1, "timeout": 3}),
    ("reset", "reset.example", {"max_attempts": 7, "max_age": "15s"}),
    ("old", "old.example", {"max_attempts": 8, "backoff": {"exponential": {"base": 3000, "factor": 2, "cap": 9000}}}),
    ("babble", "babble.example", {"backoff": {"fixed": 60, "jitter": "full"}}),
    ("private", "private.example", {}),
    ("gone", "gone.example", {}),
    ("gone too", "gone.example", {}),
    ("moved", "moved.example", {}),
    ("stop", "stop.example", {"stop_on": ["4xx"]}),
    ("abort", "abort.example", {}),
    ("never", "never.example", {}),
    ("wrong", "wrong.example", {"success": {"body": "ok"}, "backoff": {"fixed": 25}}),
    ("accepts", "accepts.example", {"success": {"status": [409]}}),
    ("later", "later.example", {"ack_within": "1h"}),
    ("late report", "later.example/failed", {"ack_within": "20m", "max_attempts": 1}),
    ("no report", "later.example/none", {"ack_within": "50s", "max_attempts": 1}),
    ("open", "open.example", {"timeout": 600}),
    ("open too", "open.example/long", {"timeout": 7200}),
    ("headers", "fine.example", {"headers": {"Authorization": "Bearer s3cret", "X-Key": "k3y"}, "redact": ["X-Key"]}),
    ("due later", "fine.example", {"schedule_in": "2h", "labels": ["night"]}),
    ("due much later", "fine.example", {"schedule_in": "3d"}),
]
NOTIFYING = {  # of some jobs
    "plain": {"callback_url": "https://back.example/done"},
    "bytes": {"callback_url": "https://back.example/broken"},
    "posted": {"webhook_url": "https://back.example/events"},
    "busy": {"callback_url": "https://back.example/each", "callback_on": "attempt"},
    "inner": {"failure_callback_url": "https://back.example/failed", "webhook_url": "https://back.example/of-inner"},
    "later": {"callback_url": "https://back.example/later"},
    "headers": {"callback_url": "https://back.example/headers"},
    "due much later": {
        "callback_url": "https://back.example/cancelled",
        "webhook_url": "https://back.example/cancelled",
    },
}


class History:
    """`alice` and `bob` with their jobs, worked off for some minutes. `ids`: the UUIDs of alice's jobs by name."""

    def __init__(self, scene):
        self.scene, self.ids, self.numbers = scene, {}, {}
        self.alice, self.bob = scene.caller("alice"), scene.caller("bob")
        self.machinery = Machinery(scene, ANSWERS)
        self.sign()
        self.order()

    def sign(self):
        for caller, secret in zip((self.alice, self.alice, self.bob), SIGNING, strict=False):
            caller.made("/api/signing-keys", {"secret": secret, "name": f"key {secret[-1]}"})
            self.scene.clock.advance(seconds=1)
        self.alice.made(
            "/api/endpoints",
            {"url": "https://back.example/all", "types": ["job.error", "host.failing", "host.recovered"]},
        )
        self.bob.made("/api/endpoints", {"url": "https://back.example/of-bob", "types": ["job.cancelled"]})

    def order(self):
        for name, host, fields in JOBS:
            fields = {
                "url": f"https://{host}/{name.replace(' ', '-')}",
                "name": name,
                **fields,
                **NOTIFYING.get(name, {}),
            }
            made = self.alice.made("/api/jobs", fields)
            self.ids[name], self.numbers[name] = made["id"], made["job_id"]
            self.scene.clock.advance(seconds=1.25)
        for name, host in (("plain", "fine.example"), ("down", "down.example"), ("cancelled", "fine.example")):
            self.bob.made(
                "/api/jobs", {"url": f"https://{host}/of-bob", "name": name, "max_attempts": 1, "schedule_in": 9}
            )
            self.scene.clock.advance(seconds=1)

    def work(self):
        """Everything that is due, with the first retries."""
        self.machinery.go_on(1)
        self.alice.made(f"/api/jobs/{self.ids['due much later']}/cancel", None)
        self.acknowledge("later/later", {"success": True, "body": {"rows": 7}})
        self.acknowledge("later/failed/late-report", {"success": False, "body": "no room"})
        self.machinery.go_on(60, step=20)
        self.machinery.go_on(60, step=30)

    def lose(self):
        """The worker of what is under way falls silent, again and again."""
        for _ in range(3):
            self.scene.clock.advance(minutes=16)
            self.machinery.steady_s += 960
            self.machinery.go_on(60, step=20)

    def acknowledge_too_late(self):
        """Report of attempts that have ended, once more, and for a token of nobody's."""
        targets, nobody = self.machinery.targets, self.scene.visitor()
        for host in ("later", "none"):
            path = next(path for url, path in targets.ack_paths.items() if f"/{host}" in url)
            nobody.post(path, {"success": True})
            nobody.post(path[:-1] + "A", {"success": True})

    def acknowledge(self, path, fields):
        """Report how the attempt of this job ended."""
        host, _, rest = path.partition("/")
        self.scene.visitor().made(self.machinery.targets.ack_paths[f"https://{host}.example/{rest}"], fields)
