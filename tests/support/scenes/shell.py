"""Types commands of `booper`, and writes what they print. The server is the app of the scenario, in this process."""

from datetime import UTC, datetime
from types import SimpleNamespace

import requests
from requests.structures import CaseInsensitiveDict

from booper import cli
from booper_client.cli import output
from models.rules import clock

TRANSPORT = "booper_client._sync.transport.requests"


class AppSession:
    """Stands in for requests.Session: asks the app of the scene."""

    def __init__(self, scene):
        self.scene = scene

    def request(self, method, url, params=None, data=None, headers=None, **_):
        path = url.removeprefix("http://booper.example")
        answer = self.scene.app.test_client().open(path, method=method, query_string=params, data=data, headers=headers)
        self.scene.level_job_ids()
        return SimpleNamespace(
            status_code=answer.status_code, headers=CaseInsensitiveDict(answer.headers), content=answer.data
        )

    def close(self):
        pass


class Shell:
    """`type(*words)` runs a command as `caller`."""

    def __init__(self, scene, caller, folder, capsys):
        self.scene, self.capsys = scene, capsys
        library = SimpleNamespace(Session=lambda: AppSession(scene), RequestException=requests.RequestException)
        scene.monkeypatch.setattr(TRANSPORT, library)
        scene.monkeypatch.setattr(output, "datetime", Frozen)
        for name in ("HOME", "XDG_CONFIG_HOME"):
            scene.monkeypatch.setenv(name, str(folder))
        scene.monkeypatch.setenv("COLUMNS", "160")
        scene.monkeypatch.setenv("BOOPER_URL", "http://booper.example")
        self.is_now(caller)
        scene.monkeypatch.chdir(folder)

    def is_now(self, caller):
        """From now on the commands are those of this account."""
        self.scene.monkeypatch.setenv("BOOPER_API_KEY", caller.secret or "")

    def type(self, *words):
        """Run a command; what it prints on standard error stands behind a bar."""
        self.capsys.readouterr()
        code = cli.main(words)
        printed = self.capsys.readouterr()
        shown = " ".join(f"'{word}'" if " " in word else word for word in words)
        self.scene.write(f"\n$ booper {shown}" + (f"   (ends with {code})" if code else ""))
        self.scene.write("\n".join([printed.out.rstrip("\n"), *(f"| {line}" for line in printed.err.splitlines())]))
        return printed.out

    def in_each_form(self, *words):
        """In a pipe, on a terminal, and as JSON."""
        for form in ("plain", "table"):
            self.type(*words, "-o", form)


class OfAnyMoment(type):
    """Each moment is one of the class that is in its place."""

    def __instancecheck__(cls, value):
        return isinstance(value, datetime)


class Frozen(datetime, metaclass=OfAnyMoment):
    """The clock of the scenario."""

    @classmethod
    def now(cls, tz=None):
        return datetime.fromtimestamp(clock.now() / clock.SECOND, UTC)
