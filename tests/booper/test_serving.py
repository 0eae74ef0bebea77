"""`booper serve`: which parts it starts and how each ends, with stand-ins for all of them."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from booper import processes
from runtime import settings

EMBEDDED = settings.load({})


class Part:
    """Notes what is done to it, in the order of all parts."""

    def __init__(self, name, events):
        self._name, self._events = name, events

    def __getattr__(self, done):
        return lambda *arguments: self._events.append((self._name, done, *arguments))


@pytest.fixture
def events(monkeypatch):
    """What `serve` does, step by step; nothing is started."""
    events = []
    server = Part("server", events)
    server.task_dispatcher = Part("dispatcher", events)

    def stand_in(target, name):
        monkeypatch.setattr(target, lambda *_, **__: Part(name, events))

    monkeypatch.setattr("waitress.create_server", lambda *_, **__: server)
    for target, name in (
        ("workers.embedded.Embedded", "embedded"),
        ("workers.embedded.Held", "held"),
        ("workers.operator_watch.watch.Watch", "watch"),
        ("booper.processes.Watchdog", "watchdog"),
    ):
        stand_in(target, name)
    for target in ("api.create_app", "api.server.waitress_channel.adapt", "booper.processes.tracing.configure"):
        monkeypatch.setattr(target, lambda *_: None)
    for name in ("prepare_database", "greet"):
        monkeypatch.setattr(processes, name, lambda *_, name=name: events.append((name,)))
    monkeypatch.setattr(processes, "gc_tuning", SimpleNamespace(exempt_all=lambda: None))
    monkeypatch.setattr(processes.systemd, "notify", lambda text: events.append(("systemd", text)))
    return events


STARTS = [("embedded", "start"), ("watchdog", "start"), ("watch", "start")]
ENDS = [
    *[("dispatcher", "shutdown", True, 5), ("watchdog", "stop"), ("watch", "stop")],
    *[("server", "close"), ("embedded", "stop")],
]


@pytest.mark.parametrize("error", [None, LookupError("the loop broke")])
def test_all_that_is_started_is_ended_in_the_other_order_however_the_server_ends(monkeypatch, events, error):
    def run(_server, _on_stop, _abandon):
        events.append(("runs",))
        if error:
            raise error

    monkeypatch.setattr(processes, "run_until_signal", run)
    if error:
        with pytest.raises(LookupError):
            processes.serve(EMBEDDED)
    else:
        assert processes.serve(EMBEDDED) == 0

    ready = [("greet",), ("systemd", processes.systemd.READY), ("runs",)]
    assert events == [("prepare_database",), *STARTS, *ready, *ENDS]


@pytest.mark.parametrize(("hold", "part", "warnings"), [(False, "embedded", 0), (True, "held", 1)])
def test_a_server_that_is_held_sends_nothing_and_says_so(monkeypatch, events, caplog, hold, part, warnings):
    monkeypatch.setattr(processes, "run_until_signal", lambda *_: None)

    processes.serve(replace(EMBEDDED, hold=hold))

    assert (part, "start") in events
    assert (part, "stop") in events
    said = [record.levelname for record in caplog.records if "BOOPER_HOLD is on" in record.message]
    assert said == ["WARNING"] * warnings
