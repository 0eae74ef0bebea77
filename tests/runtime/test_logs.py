"""The form of log lines: JSON for machines, text for people, neither of which a value can break."""

import json
import logging
import os
import re
import threading
from dataclasses import replace

import pytest

from runtime import logs, settings

PRODUCTION = settings.load({"BOOPER_BROKER_URL": "amqp://broker"})
EMBEDDED = settings.load({})


def record(message="job.attempted", *arguments, error=None, **fields):
    line = logging.LogRecord("booper.attempts", logging.INFO, __file__, 1, message, arguments, error)
    line.created = 1_767_258_000.25
    line.__dict__.update(logs.fields(**fields))
    return line


def failure():
    try:
        raise ValueError("broken\nin two")
    except ValueError as error:
        return (type(error), error, error.__traceback__)


def test_a_json_line_is_one_object_with_the_fields_of_its_event():
    line = logs.Json().format(record(job_id=7, status=None, held=True, lateness_ms=1.5, host="a\nb\u2028"))

    assert "\n" not in line
    assert list(json.loads(line).items()) == [
        ("time", "2026-01-01T09:00:00.250000Z"),
        ("level", "INFO"),
        ("logger", "booper.attempts"),
        ("message", "job.attempted"),
        ("job_id", 7),
        ("status", None),
        ("held", True),
        ("lateness_ms", 1.5),
        ("host", "a\nb\u2028"),
    ]


def test_an_exception_is_a_field_of_its_line():
    line = logs.Json().format(record("recording failed for %s", [1], error=failure()))
    assert "\n" not in line
    document = json.loads(line)
    assert document["message"] == "recording failed for [1]"
    assert document["exception"].endswith("ValueError: broken\nin two")


def test_a_value_that_json_has_no_form_for_is_written_as_text():
    assert json.loads(logs.Json().format(record(path=os, bad="\ud800")))["bad"] == "\ud800"


def test_a_text_line_can_be_read_and_split_at_its_spaces():
    line = logs.Text().format(record(job_id=7, status=None, detail='said "no" to us', host="a.example", reason=""))
    assert line == (
        "2026-01-01T09:00:00.250000Z INFO    booper.attempts job.attempted "
        r'job_id=7 status=null detail="said \"no\" to us" host=a.example reason=""'
    )


@pytest.mark.parametrize("trick", ["a\nINFO booper forged", "a\r\x1b[2Jb", "\x9b31m", "\x00"])
def test_no_value_forges_a_line_or_moves_the_cursor(trick):
    line = logs.Text().format(record("request %s", trick, detail=trick))
    assert line.isprintable()


def test_no_exception_moves_the_cursor():
    try:
        raise ValueError("a\x1b[2Jb\rc\nd")
    except ValueError as error:
        text = logs.Text().format(record(error=(type(error), error, error.__traceback__)))
    assert text.endswith("ValueError: a\\x1b[2Jb\\x0dc\nd")


def test_other_characters_than_ascii_are_escaped_in_json():
    line = logs.Json().format(record(host="a\x9b31m", reason="\u2028"))
    assert line.isascii()
    assert json.loads(line)["host"] == "a\x9b31m"


@pytest.fixture
def pieces(monkeypatch):
    """Each piece that is written."""
    written = []

    def write(data):
        written.append(data.decode())
        return len(data)

    handler = logs.Lines(write)
    handler.setFormatter(logging.Formatter("%(message)s"))
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    return written


def test_lines_of_one_record_are_written_in_few_pieces_of_whole_lines(pieces):
    logging.getLogger().handlers[0].setFormatter(logs.Json())
    each = [{"number": number, "text": "x" * 1000} for number in range(10)]

    logging.getLogger("booper.attempts").error("job.attempted", extra=logs.lines(each))

    assert [piece.count("\n") for piece in pieces] == [3, 3, 3, 1]
    assert max(map(len, pieces)) <= logs.IN_ONE_PIECE
    assert [json.loads(line)["number"] for line in "".join(pieces).splitlines()] == list(range(10))


def test_a_record_of_no_lines_writes_nothing(pieces):
    logging.getLogger().handlers[0].setFormatter(logs.Json())
    logging.getLogger("booper.attempts").error("job.attempted", extra=logs.lines([]))
    assert pieces == []


def test_lines_of_one_record_read_as_text_begin_alike(pieces):
    logging.getLogger().handlers[0].setFormatter(logs.Text())

    logging.getLogger("booper.attempts").error("job.attempted", extra=logs.lines([{"job_id": 7}, {"host": "a\nb"}]))

    time_and_level = r"[0-9T:.-]+Z ERROR   booper.attempts job.attempted "
    assert re.fullmatch(rf'{time_and_level}job_id=7\n{time_and_level}host="a\\nb"\n', "".join(pieces))


def test_a_closed_standard_error_fails_nothing(pieces, monkeypatch):
    def refuse(_):
        raise BrokenPipeError

    monkeypatch.setattr(logging.getLogger().handlers[0], "_write", refuse)
    logging.getLogger("booper.attempts").error("lost")
    assert pieces == []


def test_a_line_that_standard_error_takes_in_part_is_written_to_its_end(pieces, monkeypatch):
    handler, written = logging.getLogger().handlers[0], bytearray()

    def take_some(data):
        written.extend(data[:3])
        return len(data[:3])

    monkeypatch.setattr(handler, "_write", take_some)

    logging.getLogger("booper.attempts").error("a line")

    assert written == b"a line\n"


def test_a_thread_that_writes_does_not_block_another(pieces, monkeypatch):
    """A lock was held while its thread waited for the interpreter, and threads of the API queued for their log line."""
    handler, entered, leave = logging.getLogger().handlers[0], threading.Event(), threading.Event()

    def write(data):
        if data == b"slow\n":
            entered.set()
            leave.wait(60)
        pieces.append(data.decode())
        return len(data)

    monkeypatch.setattr(handler, "_write", write)
    slow = threading.Thread(target=logging.getLogger("booper.attempts").error, args=("slow",))
    slow.start()
    assert entered.wait(60)

    logging.getLogger("booper.attempts").error("quick")
    leave.set()
    slow.join(60)

    assert pieces == ["quick\n", "slow\n"]


def test_production_writes_json_unless_to_a_terminal(monkeypatch):
    monkeypatch.setattr(os, "isatty", lambda _: False)
    assert (logs.writes_json(PRODUCTION), logs.writes_json(EMBEDDED)) == (True, False)
    monkeypatch.setattr(os, "isatty", lambda _: True)
    assert not logs.writes_json(PRODUCTION)


@pytest.mark.parametrize(("form", "is_json"), [("json", True), ("text", False)])
def test_the_form_of_the_settings_wins_over_the_mode(form, is_json):
    for effective in (PRODUCTION, EMBEDDED):
        assert logs.writes_json(replace(effective, log_format=form)) is is_json


@pytest.mark.parametrize("value", ["JSON", "", "logfmt"])
def test_another_form_stops_the_start(value):
    with pytest.raises(settings.SettingsError, match="BOOPER_LOG_FORMAT must be auto, json or text"):
        settings.load({"BOOPER_LOG_FORMAT": value})


def test_a_wrong_token_stops_the_start_and_is_not_quoted():
    with pytest.raises(settings.SettingsError) as refused:
        settings.load({"BOOPER_METRICS_TOKEN": "too short"})
    assert "BOOPER_METRICS_TOKEN must be 16 to 256 printable characters" in str(refused.value)
    assert "too short" not in str(refused.value)


@pytest.fixture
def root(monkeypatch):
    """The root logger. It and the loggers of libraries are restored after the test."""
    names = ["", "pika", "dramatiq", "urllib3", "waitress", "psycopg", "opentelemetry", "peewee", "peewee.migrations"]
    levels = [(logging.getLogger(name), logging.getLogger(name).level) for name in names]
    for switch in ("logThreads", "logProcesses", "logMultiprocessing", "_srcfile"):
        monkeypatch.setattr(logging, switch, getattr(logging, switch))
    handlers = logging.getLogger().handlers[:]
    yield logging.getLogger()
    logging.getLogger().handlers[:] = handlers
    for logger, level in levels:
        logger.setLevel(level)


def level_of(name):
    return logging.getLevelName(logging.getLogger(name).getEffectiveLevel())


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
def test_the_level_of_the_settings_is_that_of_our_lines(level, root):
    logs.configure(replace(PRODUCTION, log_level=level))
    assert level_of("booper.attempts") == level


@pytest.mark.parametrize(
    "library", ["dramatiq", "urllib3.connectionpool", "waitress", "psycopg.pool", "opentelemetry.sdk"]
)
def test_libraries_only_warn_whatever_the_level(library, root):
    logs.configure(replace(PRODUCTION, log_level="DEBUG"))
    assert level_of(library) == "WARNING"


def test_neither_values_of_statements_nor_pikas_tracebacks_are_written(root):
    logs.configure(replace(PRODUCTION, log_level="DEBUG"))
    assert (level_of("peewee"), level_of("peewee.migrations"), level_of("pika.adapters")) == (
        "INFO",
        "WARNING",
        "CRITICAL",
    )


@pytest.mark.parametrize(("form", "begins"), [("json", '{"time":'), ("text", "2026-01-01T09:00:00.250000Z INFO ")])
def test_lines_have_the_form_of_the_settings(form, begins, root, capfd):
    logs.configure(replace(PRODUCTION, log_format=form))
    root.handle(record(job_id=7))
    assert capfd.readouterr().err.startswith(begins)


def test_a_second_configuration_replaces_the_first(root, capfd):
    for _ in range(2):
        logs.configure(EMBEDDED)
    root.handle(record())
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_a_value_with_an_equals_sign_is_quoted_in_text():
    """Without quotes it would look like a field."""
    assert logs.Text().format(record(detail="a=b")).endswith(' detail="a=b"')


def test_a_piece_is_filled_up_to_what_is_written_at_once():
    whole = [b"x" * 4000, b"y" * 94]  # with the ends of their lines
    first = b"\n".join(whole) + b"\n"
    assert list(logs.in_pieces(b"\n".join(whole))) == [first]
    assert len(first) == logs.IN_ONE_PIECE
    assert list(logs.in_pieces(b"\n".join([*whole, b"z"]))) == [first, b"z\n"]
    assert list(logs.in_pieces(b"\n".join([whole[0], b"y" * 95]))) == [whole[0] + b"\n", b"y" * 95 + b"\n"]
    assert list(logs.in_pieces(b"x" * 5000 + b"\nz")) == [b"x" * 5000 + b"\n", b"z\n"]


def test_pieces_are_counted_in_bytes(pieces):
    logging.getLogger().handlers[0].setFormatter(logs.Text())

    logging.getLogger("booper.attempts").error("job.attempted", extra=logs.lines([{"host": "\u00e4" * 700}] * 6))

    assert max(len(piece.encode()) for piece in pieces) <= logs.IN_ONE_PIECE


def test_a_traceback_is_written_in_one_piece(pieces):
    logging.getLogger().handlers[0].setFormatter(logs.Text())

    try:
        raise ValueError("x\n" * 3000)
    except ValueError:
        logging.getLogger("booper.attempts").exception("failed")

    assert len(pieces) == 1


def test_a_line_that_a_filter_refuses_is_not_written(pieces):
    logging.getLogger().handlers[0].addFilter(lambda line: "secret" not in line.getMessage())
    logging.getLogger("booper.attempts").error("a secret")
    logging.getLogger("booper.attempts").error("a line")
    assert pieces == ["a line\n"]


def test_a_message_that_does_not_fit_its_arguments_ends_nothing(pieces, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logging.getLogger("booper.attempts").error("%d jobs", "many")
    logging.getLogger("booper.attempts").error("a line")
    assert pieces == ["a line\n"]
