"""Says why a job waits at its gates, and until when, as far as that is known."""

from typing import NamedTuple

from models.database.sql import fetch
from models.flows import closing, gates, pacing
from models.flows.closing import Target
from models.flows.gates import FAR, Gate
from models.jobs.job_kinds import GROUP
from models.jobs.states import WAITING_SQL
from models.rules.limits import ACCOUNT, FLOW, HOST
from models.rules.times import format_instant
from models.rules.turns import turn

COUNTED = 10_000


class Wait(NamedTuple):
    """A gate that holds a job back: a word for programs, the same for people, and the instant of the job's turn."""

    code: str
    text: str
    at: int | None = None


CODES = {
    "account_paused": "its account is paused",
    "host_paused": "the host of its target is paused",
    "host_resting": "the host of its target is left alone for a while",
    "flow_paused": "its flow is paused, or left alone as a target asked",
    "lane_paused": "its lane is paused, or has stopped at a discarded job",
    "lane_behind": "the job before it in its lane is not final",
    "flow_rate": "its flow has had its starts for now",
    "flow_busy": "its flow has its requests under way",
}


def waits_of(job_id: int, now: int) -> list[Wait]:
    """Why the job, which is due, waits at its gates; the weightiest first."""
    rows = fetch("SELECT account_id, host, flow_id, lane_id, scheduled_at, kind FROM job WHERE id = %s", (job_id,))
    if not rows:
        return []
    account_id, host, flow_id, lane_id, scheduled_at, kind = rows[0]
    held = closing.held_by([Target(job_id, account_id, host)], now)
    known = gates.by_id([*held, *(gate_id for gate_id in (flow_id, lane_id) if gate_id)])
    waits = [_closed(known[gate_id], now) for gate_id in held]
    lane, flow = known.get(lane_id), known.get(flow_id)
    if kind == GROUP:
        return [*waits, *(_closed(gate, now) for gate in (lane, flow) if gate is not None and gate.is_closed(now))]
    if lane is not None:
        waits += [_closed(lane, now)] if lane.is_closed(now) else _behind(lane, job_id, now)
    if flow is not None:
        waits += [_closed(flow, now)] if flow.is_closed(now) else _over_limit(flow, job_id, scheduled_at, now)
    return waits


def _closed(gate: Gate, now: int) -> Wait:
    until = None if gate.closed_until == FAR else gate.closed_until
    when = f" until {format_instant(until)}" if until else ""
    why = f": {gate.reason}" if gate.reason else ""
    if gate.kind == HOST and not gate.is_paused(now):
        at = until or gate.probe_at
        when = f" until {format_instant(at)}" if at else ""
        return Wait("host_resting", f"{gate.key} is left alone{when}, since it asked for that or failed too often.", at)
    if not gate.is_paused(now):
        return Wait("flow_paused", f"Its flow {gate.key} is left alone{when}, since a target asked for that.", until)
    names = {ACCOUNT: "Its account", HOST: f"The host {gate.key}", FLOW: f"Its flow {gate.key}"}
    name = names.get(gate.kind, f"Its lane {gate.key}")
    return Wait(f"{gate.kind}_paused", f"{name} is paused{when}{why}.", until)


def _behind(lane: Gate, job_id: int, now: int) -> list[Wait]:
    head = pacing.uses([lane], 1, now).of[lane.id].head
    if head is None or head == job_id:
        return []
    return [Wait("lane_behind", f"Job {head} goes before it in its lane {lane.key} and is not final.")]


def _over_limit(flow: Gate, job_id: int, scheduled_at: int, now: int) -> list[Wait]:
    before = _parked_before(flow.id, job_id, scheduled_at)
    uses = pacing.uses([flow], min(before, flow.rate or 0) + 1, now)
    pace = uses.of[flow.id].pace
    ahead = _ahead(before)
    if pace.room is not None and before >= pace.room:
        most = f"{flow.concurrency:,} {'request' if flow.concurrency == 1 else 'requests'}"
        text = f"Its flow {flow.key} has at most {most} under way at once; {ahead}."
        return [Wait("flow_busy", text)]
    at = turn(pace, before, uses.read_at)
    if at is None or at <= uses.read_at:
        return []
    text = f"Its flow {flow.key} has had its starts; its turn is at {format_instant(at)}; {ahead}."
    return [Wait("flow_rate", text, at)]


def _ahead(before: int) -> str:
    if before > COUNTED:
        return f"more than {COUNTED:,} jobs go before it"
    return "1 job goes before it" if before == 1 else f"{before:,} jobs go before it"


def _parked_before(flow_id: int, job_id: int, scheduled_at: int) -> int:
    """How many parked jobs go before the job, at most `COUNTED` + 1."""
    sql = (
        f"SELECT count(*) FROM (SELECT 1 FROM job WHERE parked_by = %s AND {WAITING_SQL} "
        "AND (scheduled_at, id) < (%s, %s) LIMIT %s) AS few"
    )
    return int(fetch(sql, (flow_id, scheduled_at, job_id, COUNTED + 1))[0][0])
