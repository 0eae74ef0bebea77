"""Explains jobs by facts that are seldom together: each reason, each form of its text, each edge."""

from models.flows.waits import Wait
from models.operations import explain
from models.operations.explain import Facts
from models.operations.listening.open_requests import Waiting
from models.rules import clock
from models.rules.times import format_instant

NOW = 1_767_258_000_000_000
FACTS = Facts(
    state="available",
    scheduled_at=NOW - 5 * clock.SECOND,
    attempt=2,
    max_attempts=9,
    crashes=0,
    held_until=None,
    staged_at=None,
    lease_until=None,
    attempted_at=NOW - 4 * clock.SECOND,
    reason=None,
    ahead=0,
    ticker_seen_at=NOW - clock.SECOND,
    workers=3,
    slots=80,
    slots_in_use=7,
    worker_seen_at=NOW - 2 * clock.SECOND,
)
SOON, PAST = NOW + 30 * clock.SECOND, NOW - 40 * clock.SECOND
FACES = (
    {},
    {"scheduled_at": NOW},
    {"scheduled_at": NOW + 1},
    {"state": "scheduled", "scheduled_at": SOON},
    {"state": "retryable", "scheduled_at": SOON, "reason": "status_503"},
    {"state": "retryable", "scheduled_at": SOON},
    {"state": "completed"},
    {"state": "cancelled"},
    {"state": "discarded", "reason": "timeout"},
    {"state": "discarded", "attempt": 0},
    {"state": "executing"},
    {"state": "executing", "lease_until": SOON},
    {"state": "executing", "attempted_at": None},
    {"state": "executing", "ack_until": SOON},
    {"state": "executing", "listening": Waiting("laptop", PAST, SOON, PAST)},
    {"state": "executing", "listening": Waiting("laptop", None, SOON, NOW - clock.MINUTE)},
    {"state": "executing", "listening": Waiting("laptop", None, SOON, NOW - clock.MINUTE - 1)},
    {"state": "executing", "listening": Waiting("laptop", None, SOON, None)},
    {"schedule_disabled_at": PAST},
    {"endpoint_is_disabled": True, "held_until": SOON},
    {"ticker_seen_at": NOW - 10 * clock.SECOND},
    {"ticker_seen_at": NOW - 10 * clock.SECOND - 1},
    {"ticker_seen_at": 0},
    {"workers": 0, "slots": 0},
    {"workers": 0, "slots": 0, "worker_seen_at": None},
    {"held_until": SOON, "after_uuid": "00000000-0000-7000-8000-00000000000a"},
    {"held_until": SOON, "after_uuid": "00000000-0000-7000-8000-00000000000a", "kind": "alert"},
    {"held_until": SOON, "crashes": 1},
    {"held_until": SOON, "crashes": 2},
    {"held_until": SOON, "sibling_under_way": True},
    {"held_until": SOON},
    {"held_until": NOW},
    {"held_until": explain.PAUSED_UNTIL},
    {"slots_in_use": 80},
    {"slots_in_use": 79},
    {"ahead": 1},
    {"ahead": 2},
    {"ahead": 10_000},
    {"ahead": 10_001},
    {
        "gates": (
            Wait("flow_rate", "Its flow has had its starts.", SOON),
            Wait("lane_behind", "A job is before it.", None),
        ),
        "ahead": 3,
    },
    {
        "gates": (Wait("host_paused", "Its host is paused.", None),),
        "held_until": SOON,
        "ticker_seen_at": 0,
        "workers": 0,
    },
)


def play(scene):
    scene.begin_page("explained")
    for face in FACES:
        scene.write(f"\n{face}")
        for reason in explain.explain(FACTS._replace(**face), NOW):
            at = "" if reason.at is None else f" (until {format_instant(reason.at)})"
            scene.write(f"  {reason.code}: {reason.text}{at}")
