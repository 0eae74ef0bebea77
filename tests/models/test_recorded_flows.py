"""What each action on gates, and each claim at them, returns and changes in the database."""

from pathlib import Path

import pytest

from models.database.paging import PageRequest
from models.database.transactions import transaction
from models.flows import (
    breakers,
    closing,
    counts,
    forgetting,
    full_flows,
    gate_lists,
    gates,
    late_starts,
    leaving,
    minutes,
    pacing,
    parking,
    revival,
    starts,
    waits,
)
from models.flows.admission import Admission, Candidate
from models.flows.breakers import HostName
from models.flows.closing import Target
from models.flows.late_starts import SentJob
from models.flows.starts import JobStart
from models.jobs import lifecycle, staging
from models.operations import claims
from models.rules.clock import DAY, HOUR, MINUTE, SECOND
from models.rules.limits import ACCOUNT, FLOW, HOST, LANE, GateName, Limits
from models.rules.turns import CountedStart
from tests.support.clocks import START as NOW
from tests.support.recorded import Recorded
from tests.support.rich.asking import ALICE, BOB, held, ids, in_turn, inside, numbers, of_each
from tests.support.rich.names import GATE, JOB

RECORDED = Recorded(Path(__file__).with_name("recorded") / "flows")
GATES = (
    "account- host-closed host-resting host-probing flow-shop flow-full flow-narrow lane-user lane-stops lane-stopped"
)


def gates_of(names):
    return [GATE[name] for name in names.split()]


def known(names):
    return list(gates.by_id(gates_of(names)).values())


def limits(name, change):
    return gates.change_limits(GATE[name], change, NOW)


ROWS = {
    "find": lambda: [gates.find(ALICE, FLOW, "shop"), gates.find(BOB, FLOW, "shop"), gates.find(BOB, FLOW, "full")],
    "lock": lambda: gates.lock(gates_of("flow-narrow lane-user")),
    "set limits": lambda: gates.set_limits(known("flow-shop")[0], Limits(31, 32, 33, 1), True, NOW),
    "change limits": lambda: limits("lane-stops", lambda old: old._replace(concurrency=34)),
    "change limits of none": lambda: gates.change_limits(1, lambda old: old, NOW),
    "ensure one": lambda: gates.ensure(ALICE, HOST, "fresh.example", NOW),
    "ensure one that is there": lambda: gates.ensure(ALICE, HOST, "closed.example", NOW),
    "hold": lambda: gates.hold(BOB, LANE, "fresh", NOW),
    "join": lambda: gates.join(
        ALICE, [GateName(FLOW, "unused", Limits(1, 2, 3)), GateName(LANE, "other"), GateName(FLOW, "week")], NOW
    ),
    "wake": lambda: gates.wake(gates_of(GATES), NOW),
    "wake those with room": lambda: gates.wake(gates_of(GATES), NOW, gates.ENDS_MAKE_ROOM),
    "wake none": lambda: gates.wake([], NOW),
    "make room": lambda: in_turn(
        lambda: parking.park({GATE["lane-stops"]: numbers("lane-second"), GATE["flow-narrow"]: numbers("narrow-next")}),
        lambda: leaving.make_room(held("running-flow running-lane running acked narrow-next")),
    ),
    "look again": lambda: leaving.look_again(gates_of(GATES)),
    "make with an id": lambda: gates.make(ALICE, GateName(FLOW, "again", Limits(5, 6, 7)), NOW, 77_999_999),
}

CLOSING = {
    "pause a flow": lambda: closing.pause(ALICE, FLOW, "shop", NOW + HOUR, "for an hour", NOW),
    "pause without end": lambda: closing.pause(ALICE, HOST, "resting.example", None, None, NOW),
    "pause the account": lambda: closing.pause(BOB, ACCOUNT, "", NOW + DAY, "all", NOW),
    "pause a failing host": lambda: closing.pause(ALICE, HOST, "probing.example", NOW + MINUTE, "enough", NOW),
    **of_each(
        "resume",
        lambda name: closing.resume(ALICE, *name.split("-", 1), NOW),
        "account- host-closed.example host-probing.example lane-stopped lane-user",
    ),
    "rest": lambda: closing.rest(GATE["flow-narrow"], NOW + MINUTE, NOW),
    "rest for less": lambda: closing.rest(GATE["host-resting"], NOW + SECOND, NOW),
    "rest for longer": lambda: closing.rest(GATE["host-resting"], NOW + HOUR, NOW),
    "reopen": lambda: closing.reopen(ALICE, "probing.example", NOW),
    "reset a flow": lambda: closing.reset(ALICE, FLOW, "shop", NOW),
    "reset a rest": lambda: closing.reset(ALICE, FLOW, "rested", NOW),
    "stop lanes": lambda: closing.stop_lanes(
        {GATE["lane-stops"]: JOB["running-lane"], GATE["lane-user"]: JOB["done"]}, NOW
    ),
    "held by": lambda: closing.held_by(
        [
            Target(1, ALICE, "closed.example"),
            Target(2, ALICE, "resting.example"),
            Target(3, BOB, "closed.example"),
            Target(4, ALICE, "open.example"),
            Target(5, ALICE, "probing.example"),
        ],
        NOW,
    ),
    "held by an account": lambda: [
        closing.pause(ALICE, ACCOUNT, "", NOW + HOUR, None, NOW) and None,
        closing.held_by(
            [Target(1, ALICE, "closed.example"), Target(2, ALICE, "resting.example"), Target(3, BOB, "x")], NOW
        ),
    ],
    "opens at": lambda: {
        gate.key: closing.opens_at(gate) for gate in known("host-closed host-resting host-probing flow-shop")
    },
}


def failed(host, count=1, most=5, account_id=ALICE):
    with transaction():
        return breakers.failed(HostName(account_id, host), count, most, NOW)


def worked(host):
    with transaction():
        return breakers.worked(HostName(ALICE, host), NOW)


BREAKERS = {
    "failing hosts": lambda: sorted(breakers.failing()),
    "a first failure": lambda: failed("fresh.example"),
    "a failure below the limit": lambda: failed("failing.example", most=6),
    "a failure at the limit": lambda: failed("failing.example"),
    "failures beyond the limit": lambda: failed("fresh.example", 7),
    "a failure after calm": lambda: failed("calm.example", 2),
    "a failure without a limit": lambda: failed("failing.example", 9, most=0),
    "a failure of a closed host": lambda: failed("probing.example", 3),
    "a success of a closed host": lambda: worked("probing.example"),
    "a success of a failing host": lambda: worked("failing.example"),
    "a success of an open host": lambda: worked("resting.example"),
    "probes": lambda: breakers.take_probes(gates_of("host-probing host-failing host-closed"), NOW),
    "probes too early": lambda: breakers.take_probes(gates_of("host-probing"), NOW - 1),
    "distances": lambda: [breakers.probe_distance_us(number) for number in (0, 1, 2, 5, 6, 7, 20)],
}


def claim(names, now=NOW):
    return [shown_claim(job) for job in sorted(claims.claim(numbers(names), now, 7 * SECOND, 9))]


def shown_claim(job):
    return [job.id, job.attempt, job.start, job.memory, job.claim_id]


ALL_AT_GATES = (
    "at-flow at-flow-next at-full at-host at-host-next at-probing at-lane-head at-lane-next at-stopped flow-ready "
    "narrow-ready narrow-next rested-ready lane-first lane-second closed-ready probe-ready ready rich bob-parked"
)
CLAIMS = {
    "everything": lambda: claim(ALL_AT_GATES),
    **of_each("only", claim, "flow-ready narrow-next at-flow lane-second at-lane-next probe-ready at-account at-full"),
    "a flow whose starts leave the window": lambda: claim("at-flow at-flow-next flow-ready", NOW + 250_000),
    "a flow a moment before": lambda: claim("at-flow flow-ready", NOW - 1),
    "a flow with a start that is over": lambda: claim("at-flow at-flow-next flow-ready", NOW + 6 * SECOND),
    "a wide flow": lambda: [
        gates.set_limits(known("flow-narrow")[0], Limits(2, MINUTE), False, NOW),
        claim("narrow-ready narrow-next"),
    ],
    "a flow that is paused": lambda: [
        closing.pause(ALICE, FLOW, "narrow", None, None, NOW) and None,
        claim("narrow-ready narrow-next"),
    ],
    "a lane after its job": lambda: [
        lifecycle.complete(held("running-lane lost-lane"), NOW),
        claim("lane-first lane-second"),
    ],
    "parked in turn": lambda: [
        ids(parking.stage_next(NOW, NOW + 9 * SECOND)),
        claim("at-flow at-lane-head at-account flow-ready"),
    ],
    "for a job that makes others": lambda: admitted(
        [Candidate(JOB["ready"], GATE["flow-full"], GATE["lane-user"], None, False)]
    ),
    "for a job that makes others at a closed lane": lambda: admitted(
        [Candidate(JOB["ready"], GATE["flow-full"], GATE["lane-stopped"], None, False)]
    ),
    "of a forgotten flow": lambda: [
        lifecycle.change(
            JOB["ready"], {"flow_id": 5, "args": '{"flow":{"key":"lost","rate":2,"per":"1m","concurrency":3}}'}
        ),
        claim("ready"),
    ],
    "of a forgotten lane that is there again": lambda: [
        lifecycle.change(JOB["ready"], {"lane_id": 6, "args": '{"lane":{"key":"other","on_failure":"stop"}}'}),
        claim("ready"),
        revival.revive(numbers("ready"), {6}),
    ],
}


def admitted(candidates):
    with transaction():
        admission = Admission(candidates, NOW)
        return [admission.chosen, admission.started(admission.chosen)]


def started(name, number, flow="flow-shop"):
    [job] = held(name)
    return job._replace(flow_id=GATE[flow], start=CountedStart(number, NOW))


STARTS = {
    "add": lambda: starts.add(
        [(known("flow-shop")[0], {JOB["ready"]: NOW, JOB["soon"]: NOW + 1}), (known("flow-unused")[0], {1: 2})]
    ),
    "move": lambda: starts.move(
        [
            (JobStart(JOB["running-flow"], GATE["flow-shop"], 7), NOW),
            (JobStart(JOB["done"], GATE["flow-shop"], 6), NOW),
        ],
        "gate_start.started_at < input.at",
    ),
    "correct": lambda: late_starts.correct(
        [SentJob(started("running-flow", 7), NOW - SECOND), SentJob(started("running", 5), NOW)]
    ),
    "count anew": lambda: late_starts.count_anew([started("running-flow", 7), started("lost-later", 4)]),
    "count anew one that was cancelled": lambda: late_starts.count_anew(
        [started("running-flow", 7)._replace(claim_id=3)]
    ),
    "count anew in a full flow": lambda: in_turn(
        lambda: starts.add([(known("flow-shop")[0], dict.fromkeys(numbers("done copy failed"), NOW))]),
        lambda: late_starts.count_anew([started("running-flow", 7)]),
    ),
    "minutes": lambda: minutes.add({GATE["flow-shop"]: [1, 2], GATE["flow-full"]: [3]}, NOW),
    "last hour": lambda: minutes.last_hour(gates_of("flow-shop flow-full bob-flow-shop"), NOW),
    "forget minutes": lambda: minutes.forget(NOW),
    "forget a minute": lambda: minutes.forget(NOW + HOUR, 1),
    "uses": lambda: pacing.uses(known(f"{GATES} flow-unused flow-waking"), 3, NOW),
    "uses of one": lambda: pacing.uses(known("flow-shop lane-user"), 1, NOW),
    "the clock": pacing.read_clock,
}


def due(names):
    return [job for job in staging.stage(NOW, 0, NOW + 9 * SECOND, 999) if job.id in numbers(names)]


PARKING = {
    "park": lambda: parking.park(
        {GATE["flow-shop"]: numbers("ready named running"), GATE["lane-user"]: numbers("soon")}
    ),
    "first awake": lambda: [
        parking.first_awake(0, NOW + HOUR),
        parking.first_awake(NOW + 1, NOW + HOUR),
        parking.first_awake(1, 2),
    ],
    "stage next": lambda: parking.stage_next(NOW, NOW + 9 * SECOND),
    "stage next of all": lambda: [gates.wake(gates_of(GATES), NOW), parking.stage_next(NOW, NOW + 9 * SECOND)],
    "stage next, but few": lambda: [gates.wake(gates_of(GATES), NOW), parking.stage_next(NOW, NOW, 0, 8)],
    "stage next of some gates": lambda: parking.stage_next(NOW, NOW + MINUTE, NOW + SECOND),
    "stage next of a host that opens": lambda: [
        closing.resume(ALICE, HOST, "closed.example", NOW) and None,
        parking.stage_next(NOW, NOW),
    ],
    "wake by": lambda: parking.wake_by(
        {GATE["flow-waking"]: NOW, GATE["flow-full"]: NOW + MINUTE, GATE["lane-user"]: NOW + 1}
    ),
    "wake forgotten": lambda: parking.wake_forgotten(NOW),
    "wake one forgotten": lambda: parking.wake_forgotten(NOW, 1),
    "wake overlooked": lambda: parking.wake_overlooked(gates_of(GATES), NOW + MINUTE),
    "park unnamed": lambda: full_flows.park_unnamed(
        due("flow-ready narrow-ready narrow-next rested-ready lane-first soon"), NOW
    ),
    "park unnamed of a burst": lambda: in_turn(
        lambda: gates.set_limits(known("flow-narrow")[0], Limits(1, MINUTE), False, NOW) and None,
        lambda: full_flows.park_unnamed(due("narrow-ready narrow-next"), NOW),
    ),
    "park unnamed of a burst as large as the rate": lambda: in_turn(
        lambda: gates.set_limits(known("flow-narrow")[0], Limits(2, MINUTE), False, NOW) and None,
        lambda: full_flows.park_unnamed(due("narrow-ready narrow-next"), NOW),
    ),
    "park unnamed behind others": lambda: in_turn(
        lambda: parking.wake_by({GATE["flow-shop"]: NOW + SECOND}),
        lambda: full_flows.park_unnamed(due("flow-ready"), NOW),
    ),
    "forget": lambda: forgetting.forget(NOW),
    "forget one": lambda: forgetting.forget(NOW + 30 * DAY, 1),
    "counts": lambda: [counts.parked(99), sum(counts.parked(3).values()), counts.oldest_parked_at()],
}


def page(order="key", direction="asc", limit=50, offset=0):
    return PageRequest((order, direction), limit, offset)


def keys(found_page):
    return [[gate.key for gate in found_page.rows], found_page.end]


LISTS = {
    **of_each("list", lambda kind: keys(gate_lists.listed(ALICE, kind, None, page())), "flow lane host account"),
    "list by age": lambda: keys(gate_lists.listed(ALICE, FLOW, None, page("inserted_at", "desc", 3))),
    "list a second page": lambda: keys(gate_lists.listed(ALICE, FLOW, None, page(limit=2, offset=2))),
    "list failing hosts": lambda: keys(gate_lists.listed(ALICE, HOST, None, page(), failing=True)),
    "list by text": lambda: keys(gate_lists.listed(ALICE, FLOW, "SH", page())),
    "list by a mark": lambda: keys(gate_lists.listed(ALICE, FLOW, "%", page())),
    "list of another account": lambda: gate_lists.listed(BOB, FLOW, None, page()),
    "usages when a start leaves the window": lambda: gate_lists.usages(known("flow-shop"), NOW + 250_000),
    "usages": lambda: gate_lists.usages(known(f"{GATES} flow-waking"), NOW),
    **of_each("why waits", lambda name: waits.waits_of(JOB[name], NOW), ALL_AT_GATES),
    "why waits a job that makes others": lambda: [
        lifecycle.change(
            JOB["ready"], {"kind": "group", "flow_id": GATE["flow-rested"], "lane_id": GATE["lane-stopped"]}
        ),
        waits.waits_of(JOB["ready"], NOW),
    ],
    "why waits none": lambda: waits.waits_of(5, NOW),
}
TEXTS = {
    **{
        "rows": inside(ROWS, "lock", "hold", "join"),
        "closing": inside(CLOSING, "stop lanes"),
        "breakers": inside(BREAKERS, "probes", "probes too early"),
        "claims": CLAIMS,
        "starts": STARTS,
    },
    **{"parking": PARKING, "lists": LISTS},
}


@pytest.mark.parametrize("name", TEXTS)
def test_gates_change_as_recorded(scenario, name):
    RECORDED.compare(name, scenario.text_of(TEXTS[name]))


def test_each_text_is_of_some_actions():
    RECORDED.are_exactly(TEXTS)
