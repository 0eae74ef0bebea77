"""Checks the file of the embedded mode and the disks that Booper writes to."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from booper.doctor.finding import ERROR, NOTE, OK, WARNING, Finding, about
from models.database import schema, sqlite_file
from models.database.connection import connection
from models.operations.operator_alerts.troubles import LITTLE_ROOM, MIB
from runtime.settings import Settings

VERY_LITTLE = 100 * MIB
LARGE_WAL = 1024 * MIB
database_is, disk_is = about("database"), about("disk")


def check_sqlite(path: Path) -> Iterator[Finding]:
    if not path.exists():
        yield database_is(NOTE, f"{path} is not there yet", "`booper serve` makes it at its first start.")
        return
    if problems := sqlite_file.problems(path):
        restore = "Stop Booper, keep the file, and restore the latest backup: `booper restore FILE`."
        yield database_is(ERROR, f"{path} is damaged: {problems[0]}", restore)
        return
    yield database_is(OK, f"{path} is sound ({path.stat().st_size // MIB} MiB)")
    with connection():
        if missing := schema.lacking():
            text = f"the database lacks {len(missing)} migrations"
            yield database_is(NOTE, text, "`booper serve` applies them at its start.")
    wal = path.with_name(path.name + "-wal")
    if wal.exists() and wal.stat().st_size > LARGE_WAL:
        text = f"{wal.name} has {wal.stat().st_size // MIB} MiB: a reader keeps SQLite from emptying it"
        yield database_is(WARNING, text, "End programs that hold the file open, or restart Booper.")


def check_disks(settings: Settings) -> Iterator[Finding]:
    folders = {Path(tempfile.gettempdir()): "metrics of the running processes"}
    if settings.sqlite_file:
        folders[settings.sqlite_file.parent] = "the database"
    for folder, holds in folders.items():
        yield _room(folder, holds)


def _room(folder: Path, holds: str) -> Finding:
    if not folder.is_dir():
        return disk_is(NOTE, f"{folder} ({holds}) is not there yet")
    free = shutil.disk_usage(folder).free
    text = f"{free // MIB} MiB are free at {folder} ({holds})"
    if free < LITTLE_ROOM:
        advice = "Make room: lower BOOPER_KEEP_COMPLETED_DAYS and run `booper prune`, or use a larger disk."
        return disk_is(ERROR if free < VERY_LITTLE else WARNING, text, advice)
    return disk_is(OK, text)
