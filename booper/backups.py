"""Runs `booper backup` and `booper restore`, for the file of the embedded mode."""

import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from models.database import schema, sqlite_file
from models.rules import clock
from runtime.settings import Settings

FILES = ("", "-wal", "-shm", "-journal")  # the database, and what SQLite keeps beside it


class Impossible(Exception):
    """The copy can't be made; nothing was changed. The text says why and what to do."""


def backup(settings: Settings, file: str) -> int:
    """Copy the database, which may be in use, into a new file. Raises Impossible."""
    source, target = _database(settings, "pg_dump"), Path(file)
    if not source.exists():
        raise Impossible(f"{source} does not exist: name the folder of the database with --data")
    if target.exists():
        raise Impossible(f"{target} exists already: name a new file")
    _copy(source, target)
    print(f"{target}: {target.stat().st_size} bytes, checked")
    return 0


def restore(settings: Settings, file: str) -> int:
    """Put a backup in the place of the database, and keep the file that was there. Raises Impossible."""
    source, target = Path(file), _database(settings, "pg_restore")
    _check_backup(source)
    with sqlite_file.alone(target) as is_alone:
        if not is_alone:
            raise Impossible(f"{target} is in use: stop Booper first")
        kept = _replace(target, source)
    print(f"{target} is restored from {source}{f'; what was there is {kept}' if kept else ''}")
    print(
        "What was sent since the backup is due again. BOOPER_HOLD=on starts without sending, so that you can look first"
    )
    return 0


def _database(settings: Settings, program: str) -> Path:
    if settings.sqlite_file is None:
        raise Impossible(f"BOOPER_DATABASE_URL is PostgreSQL: use {program} (docs/operating.md, Backups and restore)")
    return settings.sqlite_file


def _check_backup(file: Path) -> None:
    if not file.is_file():
        raise Impossible(f"{file} is no file")
    try:
        problems = sqlite_file.problems(file)
        is_ours = not problems and schema.TABLE in sqlite_file.tables(file)
    except sqlite3.Error as error:
        raise Impossible(f"{file} can't be read: {error}") from None
    if problems:
        raise Impossible(f"{file} is damaged: {problems[0]}")
    if not is_ours:
        raise Impossible(f"{file} is no database of Booper: it has no table {schema.TABLE}")


def _replace(target: Path, source: Path) -> Path | None:
    """Put a copy in the place of the database. Returns where what was there is now, if anything was."""
    waiting, kept = target.with_name(f"{target.name}.restored"), _name_aside(target)
    waiting.unlink(missing_ok=True)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _copy(source, waiting)
    moved = [_moved(target, kept, suffix) for suffix in FILES]
    waiting.rename(target)
    return kept if any(moved) else None


def _copy(source: Path, target: Path) -> None:
    """Copy to a file beside the target, check it, and only then give it its name."""
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        sqlite_file.copy(source, partial)
        if problems := sqlite_file.problems(partial):
            raise Impossible(f"the copy of {source} is damaged: {problems[0]}; run `booper doctor`")
        _flush(partial)
        partial.rename(target)
    except sqlite3.Error as error:
        raise Impossible(f"{source} can't be copied to {target}: {error}") from None
    finally:
        partial.unlink(missing_ok=True)


def _flush(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def _name_aside(target: Path) -> Path:
    stamp = datetime.fromtimestamp(clock.now() / clock.SECOND, UTC).strftime("%Y%m%dT%H%M%SZ")
    kept = target.with_name(f"{target.name}.before-{stamp}")
    if any(kept.with_name(kept.name + suffix).exists() for suffix in FILES):
        raise Impossible(f"{kept} exists already: restore again in a second")
    return kept


def _moved(target: Path, kept: Path, suffix: str) -> bool:
    """Rename the database, or a file beside it, if it is there."""
    file = target.with_name(target.name + suffix)
    if not file.exists():
        return False
    file.rename(kept.with_name(kept.name + suffix))
    return True
