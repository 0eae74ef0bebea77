"""Flows, lanes, hosts and what waits at them."""

from models.flows.gate_tables import FlowMinute, Gate, GateStart
from models.flows.gates import FAR
from models.rules.clock import MINUTE
from tests.support.recorded_account.fixed import NOW
from tests.support.recorded_account.rows import add_attempt, add_job, at, us


def fill(account):
    flows(account)
    lanes(account)
    hosts(account)
    parked(account)


def add_gate(account, id, kind, key, made, **columns):
    instants = {name: at(value) for name, value in columns.items() if isinstance(value, str) and name != "reason"}
    fixed = {"stops": 0, "is_pinned": 0, "failures": 0, "probes": 0, "starts": 0, "used_at": at("1h")}
    Gate.create(id=id, account_id=account.id, kind=kind, key=key, created_at=at(made), **fixed | columns | instants)


def flows(account):
    add_gate(account, 201, "flow", "imports", "50d", rate=31, per_us=us("9m"), concurrency=4, starts=6, is_pinned=1)
    add_gate(account, 202, "flow", "only at once", "51d", concurrency=1)
    paused = {"paused_at": "17m", "paused_until": "+3h 9m", "closed_until": "+3h 9m", "reason": "the shop moves"}
    add_gate(account, 203, "flow", "paused flow", "52d", rate=1500, per_us=us("1h"), **paused)
    add_gate(account, 204, "flow", "resting flow", "53d", rests_until="+5m 2s", closed_until="+5m 2s")
    add_gate(account, 205, "flow", "slow", "54d", rate=2, per_us=us("1h"), starts=2)
    add_gate(account, 206, "flow", "rested", "55d", rests_until="0s")
    for gate_id, number, ago in (
        (201, 1, "9m"),
        (201, 2, "8m 59s"),
        (201, 3, "3m"),
        (201, 4, "2m"),
        (205, 1, "59m"),
        (205, 2, "7m"),
    ):
        GateStart.create(gate_id=gate_id, number=number, started_at=at(ago), job_id=number)
    for ago, starts in ((0, 3), (7, 12), (59, 5), (60, 99)):
        FlowMinute.create(gate_id=201, minute=NOW // MINUTE - ago, starts=starts)


def lanes(account):
    add_gate(account, 211, "lane", "customer-5", "60d", stops=1)
    add_gate(account, 212, "lane", "customer-6", "61d")
    add_gate(
        account,
        213,
        "lane",
        "stopped",
        "62d",
        stops=1,
        paused_at="2h 8m",
        closed_until=FAR,
        reason="job 141 was discarded",
    )


def hosts(account):
    add_gate(
        account,
        221,
        "host",
        "mail.example.org",
        "20d",
        failures=23,
        failing_since="3h",
        probes=2,
        probe_at="+2m 3s",
        closed_until="+2m 3s",
    )
    add_gate(account, 222, "host", "stock.example.net", "21d", failures=1)
    add_gate(account, 223, "host", "rest.example.com", "22d", rests_until="+7m", closed_until="+7m")
    add_gate(account, 224, "host", "paused.example.com", "23d", paused_at="3h 3m", closed_until=FAR)
    add_gate(account, 225, "host", "tls.example.org", "24d", failures=1201)
    add_gate(account, 226, "host", "billing.example.com", "25d")


def parked(account):
    rows = (
        ("for its flow's rate", 205, {"flow_id": 205}, "imports.example.com", "1h 3m"),
        ("second for its flow's rate", 205, {"flow_id": 205}, "imports.example.com", "1h 2m"),
        ("for room in its flow", 202, {"flow_id": 202}, "imports.example.com", "1h 4m"),
        ("for its paused flow", 203, {"flow_id": 203}, "imports.example.com", "36m"),
        ("for its resting flow", 204, {"flow_id": 204}, "imports.example.com", "34m"),
        ("behind in its lane", 211, {"lane_id": 211}, "lanes.example.com", "32m"),
        ("in a stopped lane", 213, {"lane_id": 213}, "lanes.example.com", "28m"),
        ("for a paused host", 224, {}, "paused.example.com", "27m"),
        ("for a resting host", 223, {}, "rest.example.com", "26m"),
        ("for a failing host", 221, {}, "mail.example.org", "24m"),
    )
    for number, (name, gate_id, gates, host, due) in enumerate(rows):
        columns = {"parked_by": gate_id, "host": host, **gates}
        add_job(
            account, name, "available", f"{due} 1s", due, 301 + number, {"url": f"https://{host}/{number}"}, **columns
        )
    sending = {"claim_id": 81, "attempted_at": "4s", "attempt": 1, "lease_until": "+51s"}
    add_job(
        account,
        "in its flow",
        "executing",
        "22m",
        "21m 30s",
        311,
        {"url": "https://imports.example.com/now"},
        flow_id=202,
        **sending,
    )
    add_job(
        account,
        "first in its lane",
        "executing",
        "1h 6m",
        "1h 5m",
        300,
        {"url": "https://lanes.example.com/now"},
        lane_id=211,
        claim_id=82,
        attempted_at="3s",
        attempt=1,
    )
    for number, took in enumerate(("10ms", "20ms", "3s")):
        ago = f"{10 + 20 * number}m 2s"
        done = {"attempt": 1, "attempted_at": ago, "completed_at": ago, "host": "fast.example.com"}
        row = add_job(
            account,
            f"fast {number}",
            "completed",
            f"{ago} 9s",
            ago,
            312 + number,
            {"url": f"https://fast.example.com/{number}"},
            **done,
        )
        add_attempt(row, 1, ago, took, ("60s", "60.000001s", "15ms")[number], 200, None)
