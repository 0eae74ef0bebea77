"""Ids: UUIDs of version 7, in the order of their instants, and never the same ones in two forked processes."""

import os
import uuid

from models.database.ids import new_id
from models.rules import clock


def test_an_id_is_a_uuid_of_version_7_that_bears_its_instant(moved_clock):
    made = new_id()
    read = uuid.UUID(made)
    assert (str(read), read.version, read.variant) == (made, 7, uuid.RFC_4122)
    assert read.int >> 80 == clock.now() // clock.MILLISECOND


def test_a_later_id_comes_later(moved_clock):
    first = new_id()
    moved_clock.advance(seconds=0.001)
    assert first < new_id()


def test_ten_thousand_ids_of_one_instant_differ(moved_clock):
    assert len({new_id() for _ in range(10_000)}) == 10_000


def test_a_forked_process_makes_other_ids(moved_clock):
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(sending, new_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(receiving, 36).decode() != new_id()
