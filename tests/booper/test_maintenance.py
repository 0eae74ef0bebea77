"""`booper migrate` and `booper prune`: what they do, and what they print on a terminal and elsewhere."""

import io
from dataclasses import replace

from booper import cli, maintenance, progress
from models.database import schema
from models.database.connection import close_all, open_database
from models.database.sql import fetch
from models.jobs import idempotent_requests
from models.jobs.job_tables import Attempt, Job
from models.rules import clock
from runtime import settings
from tests.support.rows import make_job

SETTINGS = settings.load({})


class Terminal(io.StringIO):
    def isatty(self):
        return True


def finished_with_attempt(account, state, days_ago):
    at = clock.now() - int(days_ago * clock.DAY)
    job = make_job(account, state=state, **{f"{state}_at": at})
    Attempt.create(job_id=job.id, number=1, started_at=at, finished_at=at, lateness_us=0, outcome="answered")
    return job.id


def ids_left():
    return [row[0] for row in fetch("SELECT id FROM job ORDER BY id")]


def test_prune_deletes_what_the_settings_keep_no_longer_and_nothing_else(account, capsys):
    old = [finished_with_attempt(account, state, 31) for state in ("completed", "discarded", "cancelled")]
    kept = [finished_with_attempt(account, state, 29) for state in ("completed", "discarded", "cancelled")]
    kept.append(make_job(account).id)

    maintenance.prune(SETTINGS)
    assert ids_left() == kept
    assert fetch("SELECT count(*) FROM attempt WHERE job_id <= %s", (max(old),)) == [(0,)]
    assert capsys.readouterr().out == "3 jobs pruned, and 0 responses kept for repeated requests\n"


def test_prune_looks_at_every_job_however_many_there_are(account, monkeypatch):
    monkeypatch.setattr(maintenance, "ROWS_AT_ONCE", 2)
    ids = [finished_with_attempt(account, "completed", days) for days in (31, 1, 31, 31, 1, 31, 31)]
    Job.delete().where(Job.id == ids[3]).execute()
    Job.update(inserted_at=0).execute()

    maintenance.prune(SETTINGS)
    assert ids_left() == [ids[1], ids[4]]


def test_prune_shows_as_much_progress_as_there_is_to_do(account, monkeypatch):
    """It leaves out jobs that are made meanwhile."""
    monkeypatch.setattr(maintenance, "ROWS_AT_ONCE", 2)
    for _ in range(5):
        finished_with_attempt(account, "completed", 31)
    Job.update(inserted_at=0).execute()
    monkeypatch.setattr(maintenance.lifecycle, "id_range", lambda: (1, 3))
    amounts = []
    monkeypatch.setattr(progress.Lines, "advance", lambda _, amount: amounts.append(amount))

    maintenance.prune(SETTINGS)
    assert sum(amounts) == 3


def test_what_is_kept_for_ever_is_not_pruned(account, capsys):
    finished_with_attempt(account, "completed", 9999)
    discarded = finished_with_attempt(account, "discarded", 9999)
    for_ever = replace(SETTINGS, keep_completed_days=0, keep_cancelled_days=0)
    maintenance.prune(for_ever)
    assert discarded not in ids_left()

    maintenance.prune(replace(for_ever, keep_discarded_days=0))
    assert len(ids_left()) == 1
    assert "kept for ever" in capsys.readouterr().out


def test_prune_deletes_the_responses_that_are_too_old_to_be_replayed(account, moved_clock, capsys):
    kept_until = idempotent_requests.KEPT_US
    for key in ("a", "b"):
        idempotent_requests.respond_once(account.id, key, "f", clock.now(), lambda: (201, "{}"))
        moved_clock.now += kept_until - clock.SECOND
    maintenance.prune(SETTINGS)
    assert "and 1 responses" in capsys.readouterr().out


def test_prune_deletes_all_old_responses_however_many_there_are(account, moved_clock, monkeypatch, capsys):
    monkeypatch.setattr(maintenance, "ROWS_AT_ONCE", 2)
    for key in ("a", "b", "c", "d", "e"):
        idempotent_requests.respond_once(account.id, key, "f", clock.now(), lambda: (201, "{}"))
    moved_clock.now += idempotent_requests.KEPT_US + clock.SECOND
    maintenance.prune(SETTINGS)
    assert "and 5 responses" in capsys.readouterr().out
    assert fetch("SELECT count(*) FROM idempotent_request") == [(0,)]


def test_prune_without_jobs_is_no_error(db, capsys):
    assert maintenance.prune(SETTINGS) == 0


def test_prune_says_when_the_schema_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BOOPER_DATABASE_URL", f"sqlite:///{tmp_path}/empty.db")
    assert cli.main(["prune"]) == 1
    assert "run `booper migrate` first" in capsys.readouterr().err


def test_migrate_prints_each_migration_and_then_that_there_is_none(tmp_path, capsys):
    open_database(f"sqlite:///{tmp_path}/new.db")
    names = schema.pending()
    maintenance.migrate()
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [f"{name} is applied" for name in names]
    assert printed.out == f"applied {', '.join(names)}\n"

    maintenance.migrate()
    assert capsys.readouterr().out == "the schema is up to date\n"

    close_all()


def test_migrate_says_when_a_table_stayed_held(tmp_path, monkeypatch, capsys):
    def held(*_args, **_kwargs):
        raise schema.TableIsHeld

    monkeypatch.setenv("BOOPER_DATABASE_URL", f"sqlite:///{tmp_path}/new.db")
    monkeypatch.setattr(schema, "migrate", held)

    assert cli.main(["migrate"]) == 1

    assert "end the transaction that holds it" in capsys.readouterr().err


def test_migrate_says_while_a_table_is_held(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(schema, "migrate", lambda *_, on_waiting, **__: on_waiting() or [])
    open_database(f"sqlite:///{tmp_path}/new.db")

    maintenance.migrate()

    assert "another session holds a table: nothing is changed yet" in capsys.readouterr().err
    close_all()


def test_a_terminal_sees_a_bar():
    stream = Terminal()
    with progress.progress("prune", 40, "jobs looked at", stream) as shown:
        shown.print_line("above")
        shown.advance(40)
    assert "above\n" in stream.getvalue()
    assert "prune: 100%" in stream.getvalue()
    assert "40/40" in stream.getvalue()


def test_a_file_sees_lines_and_only_when_it_takes_long(monkeypatch):
    seconds = iter([0.0, 5.0, 11.0, 11.0, 12.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(seconds))
    stream = io.StringIO()
    with progress.progress("prune", 40, "jobs looked at", stream) as shown:
        for _ in range(3):
            shown.advance(10)
    assert stream.getvalue() == "prune: 20 of 40 jobs looked at\n"
