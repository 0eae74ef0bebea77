"""Lets each trouble of Booper itself begin and end, and writes what the operator's targets get."""

import http.client
from types import SimpleNamespace

from models.operations import heartbeats, ticker_row
from models.operations.heartbeats import Depths, WorkerRow
from models.rules import clock
from runtime import settings
from tests.support.installations import connected
from tests.support.results import answered
from tests.support.rows import make_job
from tests.support.scenes.machinery import shown_mail, shown_wire
from tests.support.scenes.measuring import forget_metrics, shown_metrics
from workers.operator_watch import sending, watch

TARGETS = (
    "webhook=https://ops.example/hook slack=https://hooks.slack.example/s3cret discord=https://discord.example/s3cret "
    "teams=https://teams.example/s3cret ntfy=https://ntfy.example/s3cret email=ops@mail.example pagerduty=" + "k" * 32
)
ENVIRON = {
    "BOOPER_OPERATOR_ALERTS": TARGETS,
    "BOOPER_OPERATOR_BACKLOG_SECONDS": "300",
    "BOOPER_OPERATOR_REPEAT_SECONDS": "600",
    "BOOPER_SMTP_URL": "smtp://mail.example",
    "BOOPER_SMTP_FROM": "b@booper.example",
    "BOOPER_PUBLIC_URLS": "https://booper.example",
    "BOOPER_DATABASE_URL": "postgresql://h/n",
    "BOOPER_BROKER_URL": "amqp://h",
}
WORKER = WorkerRow("00000000-0000-7000-8000-00000000000a", "host-a", 7, "1", 80, 5, 0, 0)


class Connection:
    """Stands in for a connection to a target; takes everything, but what it is to refuse."""

    scene, statuses = None, []

    def __init__(self, host, port, timeout):
        self.host, self.sock = host, None

    def connect(self):
        pass

    def request(self, method, path, body, headers):
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {self.host}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        sent = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        self.scene.sent.append(f"\n>>> https://{self.host}\n{shown_wire(sent)}")

    def getresponse(self):
        return SimpleNamespace(status=self.statuses.pop(0) if self.statuses else 200)

    def close(self):
        pass


class Mailbox:
    """Stands in for the mail server."""

    def __init__(self, scene):
        self.scene = scene

    def send(self, mail):
        self.scene.sent.append(f"\n>>> mail\n{shown_mail(mail)}")
        return answered(250)


class Installed:
    """`go_on(seconds)` lets what is `well` give its signs of life, and the watch look every ten seconds."""

    def __init__(self, scene):
        self.scene, self.steady_s, self.well = scene, 0.0, {"ticker", "depths", "probes", "worker"}
        self.watch = watch.Watch(settings.load(ENVIRON), sending.Sender(Mailbox(scene), "b@booper.example"))
        self.started_at = clock.now()

    def go_on(self, seconds):
        for _ in range(seconds // 10):
            self.scene.clock.advance(seconds=10)
            self.steady_s += 10
            self.beat(clock.now())
            self.watch.look(clock.now(), self.steady_s)
            for text in self.scene.sent:
                self.scene.write(text)
            self.scene.sent.clear()

    def beat(self, now):
        if "ticker" in self.well:
            ticker_row.record_seen(now)
        if "depths" in self.well:
            heartbeats.record_depths(Depths(0, 0, 0, now))
        if "probes" in self.well:
            ticker_row.record_delivered(now)
        if "worker" in self.well:
            heartbeats.record_heartbeat(WORKER._replace(started_at=self.started_at, seen_at=now))


def one_after_another(calls, _limit_s):
    return [call() for call in calls]


def play(scene):
    scene.begin_page("operator")
    scene.sent = []
    Connection.scene, Connection.statuses = scene, []
    scene.monkeypatch.setattr(sending, "http", SimpleNamespace(client=fake_client()))
    scene.monkeypatch.setattr(sending, "side_by_side", one_after_another)
    scene.monkeypatch.setattr(watch, "connection", connected)
    installed = Installed(scene)
    forget_metrics()
    installed.go_on(120)
    scene.title("The ticker is silent, and comes back")
    installed.well -= {"ticker"}
    installed.go_on(90)
    installed.well |= {"ticker"}
    installed.go_on(30)
    others(scene, installed)


def others(scene, installed):
    """The rest, to the webhook alone."""
    installed.watch._outbox._targets = installed.watch._targets[:1]
    for title, gone, seconds in (
        ("No process sends", {"worker"}, 150),
        ("The broker is not asked", {"depths"}, 110),
        ("Messages do not arrive", {"probes"}, 140),
    ):
        scene.title(title)
        installed.well -= gone
        installed.go_on(seconds)
        installed.well |= gone
        installed.go_on(40)
    scene.title("Jobs wait, for so long that it is said again; a target refuses at first")
    Connection.statuses = [500, 200]
    job = make_job(scene.caller("alice").account)
    installed.go_on(960)
    job.delete_instance()
    installed.go_on(40)
    scene.title("A process fell silent, and is not replaced")
    lost = WORKER._replace(
        id="00000000-0000-7000-8000-00000000000b", host="host-b", pid=71, started_at=clock.now(), seen_at=clock.now()
    )
    heartbeats.record_heartbeat(lost)
    installed.go_on(150)
    scene.title("Metrics")
    scene.write("".join(line for line in shown_metrics().splitlines(True) if "operator" in line))


def fake_client():
    names = ("HTTPException",)
    return SimpleNamespace(
        HTTPSConnection=Connection, HTTPConnection=Connection, **{name: getattr(http.client, name) for name in names}
    )
