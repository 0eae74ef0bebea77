"""F6: the one process of the embedded mode killed under load, another writer on its database. F8: a full disk."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.faults.asking import Load
from tests.support.faults.faulty_product import FaultyEmbedded
from tests.support.faults.report import note
from tests.support.faults.scale import FULL, PATIENCE, only_full, seeded
from tests.support.journeys import checker
from tests.support.journeys.journey import SECOND, under_way
from tests.support.journeys.processes import Running
from tests.support.journeys.product import BOOPER
from tests.support.waiting import wait_until

KILLS = 4 if FULL else 1
HELD_SECONDS = (2, 12) if FULL else (2,)
BUSY_LIMIT_SECONDS = 10


def test_f6_a_server_killed_under_load_loses_no_job_it_confirmed(embedded):
    """What was sent and not yet recorded at a kill is sent again."""
    chance, in_flight = seeded("serve"), 0
    with Load(embedded, rate=50) as load:
        for _ in range(KILLS):
            load.lasts(chance.uniform(1, 3))
            embedded.product.processes["serve"].kill()
            in_flight += embedded.product.sql("SELECT count(*) FROM job WHERE state = 'executing'")[0][0]
            embedded.product.start()
        load.lasts(2)
    history = embedded.settle(60)

    note("F6 serve killed", history, kills=KILLS, in_flight=in_flight, statuses=dict(embedded.client.statuses()))

    assert set(embedded.client.statuses()) <= {201, 503, None}
    assert checker.check(history, allowed_duplicates=in_flight) == []
    assert embedded.product.sql("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.alone
@pytest.mark.parametrize("held_seconds", HELD_SECONDS)
def test_f6_another_writer_makes_the_api_wait_or_say_503(embedded, held_seconds):
    """What was answered and can't be recorded before its lease ends is sent again."""
    with Load(embedded) as load:
        load.lasts(1)
        with writing(embedded.product.database_path):
            time.sleep(held_seconds)
            in_flight = embedded.product.sql("SELECT count(*) FROM job WHERE state = 'executing'")[0][0]
        load.lasts(2)
    history = embedded.settle(60)
    statuses = dict(embedded.client.statuses())

    note(f"F6 second writer for {held_seconds} s", history, in_flight=in_flight, statuses=statuses)

    assert set(statuses) <= ({201} if held_seconds < BUSY_LIMIT_SECONDS else {201, 503})
    assert checker.check(history, allowed_duplicates=in_flight) == []
    assert checker.too_late(history, p99_us=30 * SECOND, max_us=PATIENCE * (held_seconds + 5) * SECOND) == []
    assert embedded.product.sql("PRAGMA integrity_check") == [("ok",)]


@contextlib.contextmanager
def writing(path):
    """Hold the database's lock for writers, as a backup or an operator's shell would."""
    with contextlib.closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


class OnSmallDisk(FaultyEmbedded):
    """`booper serve` in a mount namespace of its own, where the database's folder is a disk of 16 MB."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "disk")
        self.mounted = folder / "disk"
        self.folder = folder
        self.mounted.mkdir()

    def launch(self, *names: str) -> None:
        script = f"mount -t tmpfs -o size=16m none {self.mounted} && exec {BOOPER} serve"
        command = ["unshare", "--mount", "sh", "-c", script]
        self.processes["serve"] = Running("serve", command, self.env, self.folder)

    @property
    def disk(self) -> Path:
        """The small disk as others see it."""
        return Path(f"/proc/{self.processes['serve'].pid}/root{self.mounted}")


def may_mount():
    tool = shutil.which("unshare")
    return bool(tool) and os.getuid() == 0 and subprocess.run([tool, "--mount", "true"]).returncode == 0


@pytest.fixture
def on_small_disk(tmp_path, receiver):
    if not may_mount():
        pytest.skip("may not make a mount namespace")
    yield from under_way(OnSmallDisk(tmp_path), receiver)


@only_full
def test_f8_a_full_disk_is_503_until_there_is_room(on_small_disk):
    """A full disk is answered 503 and all goes on when there is room."""
    client, filler = on_small_disk.client, on_small_disk.product.disk / "filler"
    with Load(on_small_disk, rate=50) as load:
        load.lasts(1)
        fill(filler)
        wait_until(lambda: client.statuses()[503] >= 20, 60, "20 answers that the disk is full")
        filler.unlink()
        load.lasts(5)
    history = on_small_disk.settle(60)

    note("F8 disk full", history, statuses=dict(client.statuses()))

    assert set(client.statuses()) == {201, 503}
    assert client.answers[-1].status == 201
    assert checker.check(history) == []


def fill(filler):
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"0" * 4096)
