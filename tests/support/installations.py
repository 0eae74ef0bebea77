"""An installation that is well or not, as its rows show it, and what a watch over it sends."""

from contextlib import contextmanager

from models.database.connection import connect_and_keep
from models.database.sql import execute
from models.database.transactions import transaction
from models.operations import heartbeats, ticker_row
from models.operations.heartbeats import Depths, WorkerRow
from models.rules import clock
from runtime import settings
from workers.operator_watch.watch import Watch

TARGETS = "slack=https://hooks.example/s3cret"
# What peewee's statements change of a row that is there already. To make those takes longer than to carry them out.
DEPTHS_AGAIN = "UPDATE queue_depth SET ready = 0, delayed = 0, dead = 0, seen_at = %s WHERE id = 1"
HEARTBEAT_AGAIN = "UPDATE worker SET slots_in_use = 0, seen_at = %s WHERE id = 'a'"


class Installation:
    """Writes the signs of life of what is `well`, and moves the clock and the watch on."""

    def __init__(self, moved_clock):
        self.clock, self.steady_s = moved_clock, 0.0
        self.well = {"ticker", "broker", "probes", "worker"}
        self.sent, self.ever_sent, self.refusing = [], [], set()
        self.started_at = clock.now()
        self.environ = {}

    def watch(self, **environ):
        """A process that watches, as after a start."""
        values = {"BOOPER_OPERATOR_ALERTS": TARGETS, **self.environ, **environ}
        return Watch(settings.load(values), self.send)

    def send(self, target, message):
        if target.way in self.refusing:
            return "answered 500"
        sent = [(target.way, message.type, each.type) for each in message.incidents]
        self.sent += sent
        self.ever_sent += sent
        self.last = message
        return ""

    def beat(self):
        with transaction():  # one commit for all
            self._beat(clock.now())

    def _beat(self, now):
        if "ticker" in self.well:
            ticker_row.record_seen(now)
        if "broker" in self.well and not execute(DEPTHS_AGAIN, (now,)):
            heartbeats.record_depths(Depths(0, 0, 0, now))
        if "probes" in self.well:
            ticker_row.record_delivered(now)
        if "worker" in self.well and not execute(HEARTBEAT_AGAIN, (now,)):
            heartbeats.record_heartbeat(worker("a", self.started_at, now))

    def go_on(self, seconds, *watches):
        """Let time pass; each watch looks every ten seconds."""
        for _ in range(seconds // 10):
            self.pass_by()
            self.beat()
            for watch in watches:
                watch.look(clock.now(), self.steady_s)
        return self.changes()

    def pass_by(self, seconds=10):
        self.clock.advance(seconds=seconds)
        self.steady_s += seconds

    def sent_to(self, way):
        """(type of the message, trouble) of everything that was sent this way."""
        return [each[1:] for each in self.ever_sent if each[0] == way]

    def changes(self):
        """(type of the message, trouble) of what was sent since the last call."""
        sent, self.sent = self.sent, []
        return [each[1:] for each in sent]


def worker(worker_id, started_at, seen_at):
    return WorkerRow(worker_id, "host", 7, "1", 8, 0, started_at, seen_at)


@contextmanager
def connected():
    """Keeps the connection of this thread: to open a file of SQLite for each look takes longer than to look."""
    connect_and_keep()
    yield
