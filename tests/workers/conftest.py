"""Owns what tests of the workers' room share: a receiver, settings, and an actor pair that only remembers."""

import pytest
from dramatiq.errors import ConnectionClosed

from booper import settings
from models.vitals import Depths
from tests.support.receivers import RecordingReceiver
from workers.embedded import Embedded


@pytest.fixture
def receiver():
    server = RecordingReceiver()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def embedded_settings():
    """The settings of the embedded mode; the database is opened by the `db` fixture."""
    return settings.load({"BOOPER_SENDER_SLOTS": "8", "BOOPER_SLOT_SHARE": "1", "BOOPER_SHUTDOWN_GRACE_SECONDS": "1"})


@pytest.fixture
def embedded(db, embedded_settings):
    """The whole system in this process."""
    started = Embedded(embedded_settings)
    started.start()
    yield started
    started.stop()


class RememberedMessages:
    """Stands where workers.broker.Actors stands: remembers what is published, or refuses it as a lost broker does."""

    def __init__(self):
        self.delivers = []
        self.probes = []
        self.accepts = 10**9

    def send_deliver(self, jobs, due_at, now):
        if len(self.delivers) >= self.accepts:
            raise ConnectionClosed("gone")
        self.delivers.append(([job[0] for job in jobs], due_at))

    def send_probe(self, now):
        self.probes.append(now)

    def keep_alive(self):
        pass

    def depths(self, now):
        return Depths(len(self.delivers), 0, 0, now)

    @property
    def named(self):
        return [job_id for ids, _ in self.delivers for job_id in ids]


@pytest.fixture
def messages():
    return RememberedMessages()
