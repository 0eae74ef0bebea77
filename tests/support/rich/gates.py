"""The gates of the state, with what their rates and minutes counted."""

from models.flows import gate_tables as tables
from models.flows.gates import FAR
from models.rules.clock import MINUTE, SECOND
from tests.support.clocks import START
from tests.support.rich.jobs import at
from tests.support.rich.names import ACCOUNT, GATE, JOB

THIS_MINUTE = START // MINUTE
NO_STATE = dict.fromkeys(
    ("rate", "per_us", "concurrency", "paused_at", "paused_until", "reason", "rests_until", "failing_since", "probe_at")
)


def gate(name, **columns):
    place = list(GATE).index(name)
    kind, key = name.removeprefix("bob-").split("-", 1) if name != "bob-account" else ("account", "")
    if kind == "host":
        key = f"{key}.example"
    defaults = {
        "id": GATE[name],
        "account_id": ACCOUNT["bob" if name.startswith("bob-") else "alice"],
        "kind": kind,
        "key": key,
        "created_at": at(d=-60, h=place),
        "used_at": at(m=-30 - place),
        "stops": 0,
        "is_pinned": 0,
        "failures": 0,
        "probes": 0,
        "closed_until": None,
        "starts": 0,
        "wake_at": None,
    }
    return NO_STATE | defaults | columns


def _gates():
    old = {"used_at": at(d=-8)}
    return [
        gate("account-", paused_at=at(m=-2), paused_until=at(s=-1), reason="a pause that is over", wake_at=at(s=-1)),
        gate("host-closed", paused_at=at(m=-3), reason="maintenance", closed_until=FAR),
        gate("host-resting", rests_until=at(s=43), closed_until=at(s=43), wake_at=at(s=43)),
        gate(
            "host-probing", failures=9, failing_since=at(m=-9), probes=2, probe_at=at(), closed_until=FAR, wake_at=at()
        ),
        gate("host-failing", failures=4, failing_since=at(s=-60)),
        gate("host-calm", failures=3, failing_since=at(s=-60, us=-1)),
        gate("flow-shop", rate=3, per_us=10 * SECOND, starts=7),
        gate("flow-full", concurrency=0, wake_at=at(s=2)),
        gate("flow-narrow", concurrency=1),
        gate("flow-rested", rests_until=at(s=44), closed_until=at(s=44)),
        gate("lane-user", used_at=at(d=-1)),
        gate("lane-stops", stops=1),
        gate("lane-stopped", stops=1, paused_at=at(m=-5), reason="job 12 was discarded", closed_until=FAR),
        gate("flow-unused", **old, rate=5, per_us=SECOND, starts=2),
        gate("flow-pinned", **old, is_pinned=1, rate=6, per_us=20 * SECOND, concurrency=8),
        gate("flow-of-schedule", **old, concurrency=2),
        gate("host-old", used_at=at(d=-7, us=-1), paused_at=at(d=-9), paused_until=at(us=-1)),
        gate("bob-flow-shop", rate=2, per_us=11 * SECOND, starts=5),
        gate("bob-host-failing", failures=5, failing_since=at(s=-20)),
        gate("bob-account"),
        gate("flow-week", used_at=at(d=-7)),
        gate("lane-other", used_at=at(d=-1, us=-1)),
        gate("flow-waking", rate=4, per_us=MINUTE, wake_at=at(s=5)),
        gate("lane-shop"),
        gate("flow-kept", **old, is_pinned=1, concurrency=9),
    ]


def _start(name, number, ago_s, job_name):
    return {"gate_id": GATE[name], "number": number, "started_at": at(s=-ago_s), "job_id": JOB[job_name]}


def _minute(name, ago, starts):
    return {"gate_id": GATE[name], "minute": THIS_MINUTE - ago, "starts": starts}


def rows():
    gates = _gates()
    assert [row["id"] for row in gates] == list(GATE.values())
    return {
        tables.Gate: gates,
        tables.GateStart: [
            _start("flow-shop", 5, 9.75, "done"),
            _start("flow-shop", 6, 5, "done-slow"),
            _start("flow-shop", 7, 4, "running-flow"),
            _start("flow-unused", 1, 700, "failed"),
            _start("flow-unused", 2, 600, "failed-host"),
            _start("bob-flow-shop", 5, 3, "bob-running"),
        ],
        tables.FlowMinute: [
            _minute("flow-shop", 0, 3),
            _minute("flow-shop", 1, 5),
            _minute("flow-shop", 59, 7),
            _minute("flow-shop", 60, 9),
            _minute("flow-shop", 120, 11),
            _minute("flow-shop", 121, 13),
            _minute("flow-unused", 10, 15),
            _minute("bob-flow-shop", 0, 17),
        ],
    }
