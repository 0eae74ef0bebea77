"""Owns what tests of the workers' room share: a receiver, settings, and an actor pair that only remembers."""

import pytest

from runtime import settings
from tests.support.messages import RememberedMessages
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


@pytest.fixture
def messages():
    return RememberedMessages()
