"""Sets the stage of a recorded scenario: an app, accounts with keys, a clock that stands still, and the text so far."""

import json
import re

from models.accounts import account_store
from models.database import settling
from models.database.connection import database, dialect
from models.database.sql import fetch
from models.rules import clock
from runtime import settings
from runtime.version import __version__
from tests.support.apps import app_of
from tests.support.scenes.sources import fix_sources
from workers.ticker import lease_clock

ENVIRON = {"BOOPER_PUBLIC_URLS": "https://booper.example", "BOOPER_ALLOW_HTTP": "0"}
SAYS_NOTHING = {"Content-Length", "X-Request-Id"}
OF_EACH = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Content-Type": "application/json",
    "X-Content-Type-Options": "nosniff",
}
VERSION = re.compile(rf"(?<![\w.]){re.escape(__version__)}(?![\w.])")
USUAL = {"status", "code", "message", "errors", "request_id"}
WIDE, LONGEST = 110, 900
LAST_JOB = "SELECT COALESCE(max(id), 0) FROM job"
COUNT_ON = {
    "postgresql": "SELECT setval(pg_get_serial_sequence('job', 'id'), %s)",
    "sqlite": "UPDATE sqlite_sequence SET seq = %s WHERE name = 'job'",
}


class Scene:
    """`texts()` holds what was written with `write` so far, by the name of the page that was begun last."""

    def __init__(self, monkeypatch, moved_clock, **environ):
        fix_sources(monkeypatch)
        self.monkeypatch, self.clock, self.settings = monkeypatch, moved_clock, settings.load(ENVIRON | environ)
        self.app = app_of(self.settings)
        monkeypatch.setattr(lease_clock, "steady_us", clock.now)
        monkeypatch.setattr(settling, "earliest", lambda: 0 if dialect() == "sqlite" else 2**50)  # raises no stamp
        monkeypatch.setattr(settling, "settled_until", lambda: clock.now() - settling.SETTLE_US)
        self.last_job_id, self._pages = 0, {}
        if is_open() and dialect() == "postgresql":  # where a test deleted its last job, its number still counts
            database.execute_sql("SELECT setval(pg_get_serial_sequence('job', 'id'), 1, false)")

    def begin_page(self, name):
        self._pieces = self._pages.setdefault(name, [])

    def write(self, text):
        """Add this text; of very long lines their beginnings."""
        self._pieces += [shortened(line.rstrip()) for line in text.rstrip("\n").split("\n")]

    def title(self, text):
        self.write(f"\n######## {text}\n")

    def texts(self):
        return {name: shown_page(pieces) for name, pieces in self._pages.items()}

    def caller(self, name):
        """An account of this name with a key."""
        account = account_store.account_named(name, clock.now())
        return Caller(self, name, account, account_store.create_key(account, f"key of {name}", clock.now())[1])

    def visitor(self):
        """Whoever has no key."""
        return Caller(self, "nobody", None, None)

    def level_job_ids(self):
        """Let no numbers be passed over of jobs that were not made: which these are is a matter of the database."""
        self.last_job_id = max(self.last_job_id, fetch(LAST_JOB)[0][0])
        if self.last_job_id:
            database.execute_sql(COUNT_ON[dialect()], (self.last_job_id,))


def is_open():
    """Whether the scenario has a database from the beginning."""
    return database.obj is not None and not database.is_closed()


class Caller:
    """Asks the API, and writes what was asked and what came."""

    def __init__(self, scene, name, account, secret):
        self.scene, self.name, self.account, self.secret = scene, name, account, secret
        self.headers = {"Authorization": f"Bearer {secret}"} if secret else {}

    def ask(self, method, path, fields=None, headers=None, **options):
        """The answer, whose text stands in the record as a whole."""
        answer = self.quietly(method, path, fields, headers, **options)
        self._write_head(method, path, fields, headers, options, answer)
        self.scene.write(shown_body(answer))
        return answer

    def rows(self, method, path, *names, fields=None):
        """The answer, of whose rows only these members stand in the record, a row a line."""
        answer = self.quietly(method, path, fields)
        self._write_head(method, path, fields, None, {}, answer)
        if answer.status_code >= 300:
            self.scene.write(shown_body(answer))
            return answer
        for row in answer.json["data"]:
            self.scene.write("  " + " ".join(shown_value(member(row, name)) for name in names))
        return answer

    def quietly(self, method, path, fields=None, headers=None, **options):
        """The answer; nothing is written."""
        if fields is not None:
            options["json"] = fields
        sent = self.headers | (headers or {})
        answer = self.scene.app.test_client().open(path, method=method, headers=sent, **options)
        if method != "GET":
            self.scene.level_job_ids()
        return answer

    def made(self, path, fields, method="POST"):
        """What a request that succeeds makes; nothing is written."""
        answer = self.quietly(method, path, fields)
        assert answer.status_code < 300, answer.text
        return answer.json["data"]

    def wrong(self, method, path, fields, values):
        """What is wrong with each of these values in the place of a field, a value a line."""
        self.scene.write(f"\n--- {self.name}: {method} {path} with wrong values")
        for name, each in values.items():
            for value in each:
                self.wrong_fields(method, path, {**fields, name: value}, f"{name}: {shown_cut(value)}")

    def wrong_fields(self, method, path, fields, text=None):
        """What is wrong with these fields, an error a line."""
        answer = self.quietly(method, path, fields)
        error = (answer.json or {}).get("error", {})
        errors = [
            f"    {name or '(all)'}: {' | '.join(each)}" for name, each in sorted(error.get("errors", {}).items())
        ]
        message = "" if errors else f" {error.get('message') or 'taken'}"
        status = "" if answer.status_code == 422 else f" {answer.status_code}"
        self.scene.write("\n".join([f"{text or shown_value(fields)} ->{status}{message}", *errors]))

    def wrong_queries(self, path, *queries):
        """What is wrong with each of these queries."""
        self.scene.write(f"\n--- {self.name}: GET {path} with wrong queries")
        for query in queries:
            self.wrong_fields("GET", f"{path}?{query}", None, f"?{query}")

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def post(self, path, fields=None, **options):
        return self.ask("POST", path, fields, **options)

    def put(self, path, fields=None, **options):
        return self.ask("PUT", path, fields, **options)

    def patch(self, path, fields=None, **options):
        return self.ask("PATCH", path, fields, **options)

    def delete(self, path, **options):
        return self.ask("DELETE", path, **options)

    def _write_head(self, method, path, fields, headers, options, answer):
        sent = "" if fields is None else " " + json.dumps(fields, ensure_ascii=False)
        sent += "".join(f" [{name}: {value}]" for name, value in (headers or {}).items())
        if "data" in options:
            sent += f" {options['data']!r}"
        self.scene.write(f"\n--- {self.name}: {method} {path}{sent}\n{answer.status_code}{shown_headers(answer)}")


def shortened(line):
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}… ({len(line)} characters)"


def shown_page(pieces):
    return VERSION.sub("VERSION", "\n".join(pieces)).lstrip() + "\n"


def shown_headers(answer):
    """The headers that say something; of those of each answer, those that are missing or another."""
    headers = {name: value for name, value in answer.headers if name not in SAYS_NOTHING}
    shown = [f"{name}: {value}" for name, value in sorted(headers.items()) if OF_EACH.get(name) != value]
    shown += [f"(no {name})" for name in OF_EACH if name not in headers]
    return "".join(f"\n{line}" for line in shown)


def shown_body(answer):
    """JSON with sorted keys, errors of the usual form in short; other texts as they are."""
    if answer.mimetype == "application/json" and answer.status_code >= 400 and is_usual_error(answer):
        error = answer.json["error"]
        errors = [f"    {name or '(all)'}: {' | '.join(each)}" for name, each in sorted(error["errors"].items())]
        return "\n".join([f"{error['code']}: {error['message']}", *errors])
    if answer.mimetype == "application/json":
        return pretty(answer.json)
    return answer.data.decode("utf-8", "backslashreplace")


def is_usual_error(answer):
    """Whether it is of the one shape, with the id and the status of this answer."""
    error = answer.json.get("error")
    shape = {"status": answer.status_code, "request_id": answer.headers.get("X-Request-Id")}
    return set(answer.json) == {"error"} and error == {**error, **shape} and set(error) == USUAL


def pretty(value, indent="", sort=True):
    """JSON, a member a line; what is short and holds nothing but plain values stands on one line."""
    line, inner = json.dumps(value, ensure_ascii=False, sort_keys=sort), indent + " "
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    is_row = len(line) < WIDE and not any(isinstance(part, dict | list) and part for part in parts)
    if not parts or (is_row and (isinstance(value, list) or len(parts) < 6)):
        return line
    if isinstance(value, dict):
        names = sorted(value) if sort else value
        rows = [f"{json.dumps(name, ensure_ascii=False)}: {pretty(value[name], inner, sort)}" for name in names]
        return "{\n" + ",\n".join(inner + row for row in rows) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + pretty(part, inner, sort) for part in parts) + f"\n{indent}]"


def member(row, name):
    """The member of a row; `a.b` is one within another."""
    for part in name.split("."):
        row = row.get(part) if isinstance(row, dict) else None
    return row


def shown_value(value):
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def shown_cut(value):
    """The value as JSON; of a long one its beginning, and how long it is."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < WIDE else f"{text[:60]}… ({len(text)} characters)"
