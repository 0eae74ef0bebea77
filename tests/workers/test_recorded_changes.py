"""What a worker sends, how it judges what came of it, and what each duty of the ticker changes in the database."""

import json
from pathlib import Path

import pytest

from models.database.sql import execute
from models.jobs import lifecycle
from models.jobs.staging import DueJob
from models.rules.clock import DAY, HOUR, MINUTE, SECOND
from models.rules.templating import Memory
from models.webhooks import delivery_config
from runtime import settings
from tests.support.clocks import START as NOW
from tests.support.messages import RememberedMessages
from tests.support.recorded import Recorded
from tests.support.rich.asking import ALICE, held, in_turn, inside, of_each
from tests.support.rich.names import ENDPOINT, GATE, SCHEDULE, TARGET
from tests.support.rich.scenario import scenario_on
from workers import assembly
from workers.delivery import (
    attempt_records,
    ended_claims,
    group_sets,
    job_events,
    judge,
    recorder,
    render,
    schedule_results,
)
from workers.delivery.attempt_records import Result
from workers.delivery.config_cache import ConfigCache
from workers.delivery.heartbeat import Heartbeat
from workers.delivery.heartbeat import Recorded as RecordedAttempt
from workers.delivery.host_health import HostHealth
from workers.delivery.job_events import REPORTED_ATTEMPTS
from workers.delivery.judge import Complete, Discard, Retry
from workers.delivery.last_look import withdraw_cancelled
from workers.delivery.listening.hand_over import hand_over
from workers.delivery.long_leases import LongLeases
from workers.delivery.render import AckUrls
from workers.delivery.slots.slots import Slots
from workers.ticker import acknowledger, alerting, duties, listener_results, planner, rescuer
from workers.ticker.bulk_turns import BulkTurns
from workers.ticker.calendar_turns import CalendarTurns
from workers.ticker.listener_results import ListenerResults
from workers.ticker.pruner import Pruner
from workers.ticker.rescuer import Rescuer
from workers.ticker.stager import Stager, groups
from workers.transport.outcome import Answered, Refused, Timings, Unreachable

RECORDED = Recorded(Path(__file__).with_name("recorded") / "changes")
TIMINGS = Timings(1.5, 2.5, 3.5, 4.5, 5.5)
ACKS = AckUrls("https://own.example")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def scenario(request):
    with scenario_on(request.param, request) as scenario:
        yield scenario


def claimed(name="lost-later", **columns):
    [job] = held(name)
    return job._replace(**columns)


def answered(status=200, body=b"", truncated=False, unreadable=False, **headers):
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Answered(status, pairs, body, truncated, TIMINGS, unreadable)


def shown_request(request):
    return [request.method, request.url, request.headers, request.body, request.timeout_ms, request.owner]


def rendered(name="lost-later", acks=ACKS, **columns):
    config = delivery_config.of_accounts([ALICE])[ALICE]
    return shown_request(render.render_request(claimed(name, **columns), config, acks))


def args(**fields):
    return json.dumps({"method": "post", "url": "https://t.example/p?a=1#f"} | fields)


RICH = {"query": {"q": [1, None, "é"], "n": {"m": True}}, "headers": {"X-A": 5, "content-type": "text/own"}}
PARTS = {"subject": "s", "text": "t", "html": "<p>h</p>"}
RENDERING = {
    "a plain job": rendered,
    "a rich job": lambda: rendered(
        args=args(**RICH), body=b'{"a": 1}', content_type="application/json", hops=3, attempt=4
    ),
    "a get": lambda: rendered(args='{"url":"https://t.example"}'),
    "a client's key": lambda: rendered(args=args(headers={"IDEMPOTENCY-KEY": "mine"})),
    "of a schedule": lambda: rendered("hourly-running", memory=Memory('{"x":5}', '{"s":6}'), fire_at=NOW - 5 * HOUR),
    "of a schedule without an answer": lambda: rendered(
        "hourly-running", memory=Memory(None, "{}"), content_type="text/plain"
    ),
    "with an acknowledgement": lambda: rendered("acking"),
    "with an acknowledgement to nowhere": lambda: rendered("acking", acks=render.NOWHERE),
    "a callback": lambda: rendered(kind="callback"),
    "an event of an endpoint": lambda: rendered(kind="event", endpoint_id=ENDPOINT["some"]),
    "an event of a disabled endpoint": lambda: rendered(kind="event", endpoint_id=ENDPOINT["off"]),
    "a message to a channel": lambda: rendered(kind="channel", args=args(channel="slack")),
    "a message to a removed channel": lambda: rendered(kind="channel", args=args(channel="none")),
    "a message of an alert": lambda: rendered(kind="alert", args=args(target=TARGET["pager"]), body=b'{"e":1}'),
    "a message to a removed target": lambda: rendered(kind="alert", args=args(target=5), body=b"{}"),
    "before a key has ended": lambda: rendered(attempted_at=NOW - DAY),
    "after a key has ended": lambda: rendered(attempted_at=NOW + 9 * HOUR),
    "addresses of mail": lambda: [
        render.mail_address_of(
            claimed(kind=kind, args=args(target=TARGET[target])), delivery_config.of_accounts([ALICE])[ALICE]
        )
        for kind, target in (("alert", "mail"), ("alert", "hook"), ("request", "mail"))
    ],
    "a mail": lambda: list(
        render.render_mail(claimed(body=json.dumps(PARTS).encode()), "to@m.example", "Booper <from@b.example>").items()
    )[:6],
    "a set": lambda: group_sets.make(claimed("lost-later", **OF_GROUP)).status_code,
    "a set of no group": lambda: group_sets.make(claimed(args='{"group":"none"}')),
}
OF_GROUP = {
    **{
        "args": '{"group":"shops","name":"set","description":"d","labels":["l"],"headers":{"x-own":"1"}}',
        "kind": "group",
    },
    **{
        "body": b'{"p":"$state.s"}',
        "content_type": "application/json",
        "memory": Memory(None, '{"s":7}'),
        "notify": "{}",
    },
    **{
        "schedule_id": SCHEDULE["group"],
        "hops": 2,
        "backoff": "[5]",
        "retry_until": NOW + 5,
        "redact": '["x"]',
        "judging": "{}",
    },
    **{"flow_id": GATE["flow-shop"], "lane_id": GATE["lane-user"], "ack_within_us": 6},
}


def judged(outcome, **columns):
    job = claimed(**columns)
    verdict = judge.judge(outcome, job, NOW, 0.25, 2 * HOUR)
    return [verdict, judge.rest_us(outcome, NOW, 2 * HOUR), judge.is_success(outcome, job)]


def unreachable(reason="timeout", cause=None):
    return Unreachable(reason, "the detail", TIMINGS, cause)


SUCCESS = '{"success":{"status":["2xx","409"],"body":"ok"},"stop_on":["418","50x"]}'
OUTCOMES = {
    **{
        f"a {status}": lambda status=status: judged(answered(status))
        for status in (200, 299, 300, 301, 302, 308, 404, 410, 429, 500)
    },
    "a 503 with a rest": lambda: judged(answered(503, Retry_After="60")),
    "a 503 with a long rest": lambda: judged(answered(503, Retry_After="9000")),
    "a 503 with a date": lambda: judged(answered(503, Retry_After="Thu, 01 Jan 2026 09:10:00 GMT")),
    "a 500 with a rest": lambda: judged(answered(500, Retry_After="5")),
    "a 429 with a wrong rest": lambda: judged(answered(429, Retry_After="soon")),
    "an expected status": lambda: judged(answered(409, b"it is ok"), judging=SUCCESS),
    "an unexpected text": lambda: judged(answered(200, b"no"), judging=SUCCESS),
    "a status to stop on": lambda: judged(answered(418), judging=SUCCESS),
    "an unexpected status": lambda: judged(answered(400, b"ok"), judging=SUCCESS),
    "a stop header": lambda: judged(answered(500, Webhook_Delivery=" Abort-Message ")),
    "not to be retried": lambda: [judged(answered(489, Upstash_NonRetryable_Error="TRUE")), judged(answered(489))],
    "later": lambda: judged(answered(202, Booper_Complete="LATER"), ack_within_us=5 * SECOND),
    "later, but not allowed": lambda: judged(answered(202, Booper_Complete="later")),
    "later, but a 200": lambda: judged(answered(200, Booper_Complete="later"), ack_within_us=5 * SECOND),
    **{
        f"no answer: {reason}": lambda reason=reason: judged(unreachable(reason))
        for reason in ("timeout", "dns", "tls", "reset", "protocol")
    },
    "no answer for a cause": lambda: judged(unreachable("connect", "no_route")),
    "refused": lambda: judged(Refused("blocked_url", "x")),
    "the last attempt": lambda: [
        judged(answered(500), attempt=7, max_attempts=7),
        judged(answered(500), attempt=6, max_attempts=7),
    ],
    "too old": lambda: [judged(answered(500), retry_until=NOW + late) for late in (17_424_999, 17_425_000, 17_425_001)],
    "with a policy": lambda: [
        judged(answered(500), attempt=attempt, backoff='{"delays":[3,9]}')[0] for attempt in (1, 2, 3)
    ],
    "with jitter": lambda: judged(answered(500), backoff='{"fixed":40,"jitter":"full"}')[0],
    "with an exponential policy": lambda: [
        judged(answered(500), attempt=attempt, backoff='{"exponential":{"base":2,"factor":3,"cap":50}}')[0]
        for attempt in (1, 3, 5)
    ],
    "with a rest shorter than the policy": lambda: judged(answered(503, Retry_After="2"), backoff='{"fixed":40}')[0],
    "given up for": lambda: [judge.given_up_for(job) for job in lifecycle.discard_lost(NOW)],
}


def result(outcome, name="lost-later", **columns):
    job = claimed(name, **columns)
    return Result(job, render.render_request(job, acks=ACKS), outcome, NOW)


def record(*results):
    return [[each.result.job.id, each.verdict] for each in recorder.record(list(results), longest_us=2 * HOUR)]


RECORDING = {
    "a success": lambda: record(result(answered(200, b'{"done":1}', X_Token="secret", X_Plain="p"), "running")),
    "a failure": lambda: record(result(answered(500, b"oops"), "running", attempted_at=NOW - 5)),
    "the last failure": lambda: record(result(answered(500, b"oops"), "running-last")),
    "no answer": lambda: record(result(unreachable("dns"), "lost-later")),
    "no answer for a cause": lambda: record(result(unreachable("connect", "no_route"), "running-last")),
    "refused": lambda: record(result(Refused("blocked_url", "x"), "running")),
    "later": lambda: record(result(answered(202, Booper_Complete="later"), "ack-early")),
    "after a cancel": lambda: record(
        result(answered(500), "cancelled-running"), result(answered(500), "cancelled-lost")
    ),
    "a success after a cancel": lambda: record(result(answered(), "cancelled-running")),
    "of another claim": lambda: record(result(answered(), "running", claim_id=5)),
    "in a lane that stops": lambda: record(result(answered(410), "running-lane")),
    "of a schedule": lambda: record(result(answered(200, b'{"$set":{"s":1}}'), "hourly-running")),
    "a failure of a schedule": lambda: record(result(answered(503), "hourly-running", attempt=9, max_attempts=9)),
    "a retry of a schedule that is disabled": lambda: [
        execute("UPDATE schedule SET disabled_at = %s WHERE id = %s", (NOW, SCHEDULE["hourly"])),
        record(result(answered(500), "hourly-running")),
    ],
    "a retry of a schedule that is gone": lambda: [
        execute("DELETE FROM schedule WHERE id = %s", (SCHEDULE["hourly"],)),
        record(result(answered(500), "hourly-running")),
    ],
    "of a channel": lambda: covered(),
    "a hidden body": lambda: rows(result(answered(200, b"secret", X_Own="s"), "running", redact='["x-own","body"]')),
    "a long body": lambda: rows(result(answered(), "running", body=b"x" * 16_385, content_type="text/plain")),
    "a body of bytes": lambda: rows(
        result(answered(200, b"\xff", truncated=True), "running", body=b"\xfe", content_type="application/octet-stream")
    ),
    "of a group": lambda: rows(result(answered(), "running", kind="group")),
    "a row": lambda: [
        attempt_records.attempt_row(result(outcome, "running"), verdict) for outcome, verdict in VERDICTS
    ],
    "a line": lambda: [
        attempt_records.described(result(outcome, "running"), verdict).line for outcome, verdict in VERDICTS
    ],
    "as counted": lambda: [
        recorder.recorded_of(ended_claims.Judged(result(answered(), "running", attempted_at=NOW - ago), Complete()))
        for ago in (15 * MINUTE - 1, 15 * MINUTE)
    ],
    "events of a claim": lambda: [
        job_events.of_claim(claimed(attempt=attempt)) for attempt in (1, 2, REPORTED_ATTEMPTS, REPORTED_ATTEMPTS + 1)
    ],
    "events of a result": lambda: [
        job_events.of_result(result(outcome, "running"), verdict) for outcome, verdict in VERDICTS
    ],
    "events of a late result": lambda: job_events.of_result(
        result(answered(200, b"\xff"), "running", attempt=REPORTED_ATTEMPTS + 1), Complete()
    ),
    "events of a lost job": lambda: [
        job_events.of_lost(job, given_up, NOW)
        for job in sorted(lifecycle.rescue(NOW))[:2]
        for given_up in (False, True)
    ],
    "who takes events": lambda: [
        [name, job_events.takes_events(claimed(notify=notify, kind=kind), config)]
        for name, notify, kind, config in TAKERS
    ],
    "what a claim tells": lambda: job_events.add_of_claims(
        [claimed("running"), claimed("bob-running")], refreshed(), NOW
    ),
    "what the schedule has to know": lambda: [
        schedule_results.means_host_is_down(outcome)
        for outcome in (answered(500), answered(502), answered(504), unreachable(), Refused("blocked_url", ""))
    ],
}
VERDICTS = (
    (answered(200, b"fine"), Complete()),
    (answered(500, b"bad", truncated=True), Retry(NOW + 5, "status_500")),
    (unreachable("connect"), Discard("not_reachable")),
    (Refused("invalid_request", "why"), Discard("invalid_request")),
)
NOBODY = delivery_config.NONE
TAKERS = (
    ("nobody", None, "request", NOBODY),
    ("its address", '{"webhook":"https://w.example/"}', "request", NOBODY),
    ("its callback", '{"callback":"https://w.example/"}', "request", NOBODY),
    ("an endpoint", None, "request", delivery_config.DeliveryConfig(endpoints=((1, "u", None),))),
    ("an endpoint of a callback", None, "callback", delivery_config.DeliveryConfig(endpoints=((1, "u", None),))),
)


def refreshed():
    configs = ConfigCache()
    configs.refresh([ALICE])
    return configs


def rows(each):
    return [
        [row.event, row.payload, row.inserted_at, row.schedule_id] for row in attempt_records.log_rows(each, Complete())
    ]


def covered():
    config = delivery_config.of_accounts([ALICE])[ALICE]
    job = claimed("running", kind="channel", args=args(channel="discord"))
    outcome = answered(302, b"see /api/secret-1?wait=1 or \\/api\\/secret-1", Location="https://x/api/secret-1?wait=1")
    return rows(Result(job, render.render_request(job, config), outcome, NOW))


def health(most=5, *results):
    return HostHealth(most, 2 * HOUR).note(results)


def heartbeat(*attempts):
    beat = Heartbeat(Slots(9, 0.5))
    beat.count([RecordedAttempt(*each) for each in attempts])
    beat.write(NOW)


def leases(now=NOW):
    return LongLeases(lambda: held("running-long running"), 7 * SECOND).renew(now, 2 * SECOND)


BESIDE = {
    "a host fails": lambda: health(5, result(answered(500), "running", host="failing.example")),
    "a host fails for a while": lambda: health(3, *[result(unreachable(), "running", host="fresh.example")] * 2),
    "a host fails too often": lambda: health(2, *[result(answered(429), "running", host="fresh.example")] * 2),
    "a host works again": lambda: health(5, result(answered(), "running", host="probing.example")),
    "a host works and fails": lambda: health(
        5, result(answered(), "running", host="failing.example"), result(answered(500), "lost", host="failing.example")
    ),
    "a host wants rest": lambda: health(
        0, result(answered(503, Retry_After="70"), "running"), result(answered(503, Retry_After="60"), "running")
    ),
    "a flow wants rest": lambda: health(0, result(answered(429, Retry_After="71"), "running-flow")),
    "what shows no failure": lambda: health(
        1,
        result(answered(404), "running"),
        result(Refused("blocked_url", ""), "lost"),
        result(answered(500), "running", judging='{"success":{"status":["5xx"]}}'),
    ),
    "a heartbeat": lambda: heartbeat(
        (ALICE, NOW - 5, 3_000, True), (ALICE, NOW - 6, 9_000_000, False), (ALICE, NOW - MINUTE - 5, 1, True)
    ),
    "long leases": leases,
    "withdraw": lambda: withdraw_cancelled(held("cancelled-running running hourly-running")),
    "hand over": lambda: hand_over(
        claimed("running", args=args(url="listener://desk/a?b=1")),
        render.render_request(claimed("running", args=args(url="listener://desk/a?b=1"))),
        ConfigCache(),
    ),
}


def stager(messages, bound=50):
    return Stager(messages, 10 * SECOND, bound)


def staged(work, bound=50, accepts=10**9):
    messages = RememberedMessages()
    messages.accepts = accepts
    returned = work(stager(messages, bound))
    return [returned, *[[ids, due_at] for ids, due_at in messages.delivers], messages.probes]


class Steady:
    """A steady clock that stands still."""

    def __call__(self):
        return 0


def pruner(**kept):
    return Pruner(kept, Steady(), 90 * DAY)


KEPT = {"completed": 30 * DAY, "discarded": 32 * DAY, "cancelled": 30 * DAY}


def due(number, late_us, kind):
    return DueJob(number, NOW + late_us, ALICE, "h.example", kind)


LATE = (-9, 0, 5_000, 5_001, 10_001, 100_000, 110_002)
DUTIES = {
    "stage": lambda: staged(lambda each: each.stage_due(NOW)),
    "stage few": lambda: staged(lambda each: each.stage_due(NOW), bound=4),
    "stage twice": lambda: staged(
        lambda each: [each.stage_due(NOW), each.stage_due(NOW + 90_000), each.stage_due(NOW + 9 * SECOND)]
    )[0],
    "stage without a broker": lambda: staged(lambda each: each.stage_due(NOW), accepts=1),
    "groups": lambda: [
        [
            [job.id for job in group]
            for group in groups([due(place, late_us, kind) for place, late_us in enumerate(LATE)], NOW)
        ]
        for kind in ("request", "event")
    ],
    "groups of a hundred": lambda: [
        len(group) for group in groups([due(place, 0, "request") for place in range(201)], NOW)
    ],
    "groups of both kinds": lambda: [len(group) for group in groups([due(1, 0, "request"), due(2, 0, "event")], NOW)],
    "find lost": lambda: staged(lambda each: [each.stage_due(NOW - 30 * SECOND) and None, each.find_lost(NOW)])[1:],
    "clear marks": lambda: staged(lambda each: each.clear_marks()),
    "backlog": lambda: staged(lambda each: each.backlog(NOW, 99)),
    "plan": lambda: planner.plan_due(NOW),
    "expire": lambda: planner.expire(NOW - 3 * SECOND),
    "rescue": lambda: rescuer.rescue_lost(NOW),
    "rescue by the clock": lambda: Rescuer().rescue_lost(NOW, NOW - 5 * SECOND),
    "end acknowledged": lambda: acknowledger.end_acknowledged(NOW),
    "end overdue": lambda: acknowledger.end_overdue(NOW, 0, NOW),
    "end of listeners": lambda: ListenerResults(5, 2 * HOUR).end(NOW),
    "prune listeners": lambda: listener_results.prune(NOW),
    "alert": lambda: in_turn(
        lambda: execute("DELETE FROM health_event"),
        lambda: execute("DELETE FROM alert_target"),
        lambda: alerting.alert(NOW),
    )[2],
    "make up": lambda: duties.make_up(NOW),
    "move schedules": lambda: CalendarTurns().take_turn(NOW),
    "work off": lambda: BulkTurns(Steady()).work_off(NOW),
    "sign of life": lambda: duties.record_sign_of_life(NOW),
    "prune jobs": lambda: pruner(**KEPT).prune_jobs(NOW),
    "prune the completed": lambda: pruner(completed=40 * MINUTE - 1).prune_jobs(NOW),
    "prune no jobs": lambda: Pruner({}, Steady()).prune_jobs(NOW),
    **of_each(
        "prune",
        lambda name: getattr(pruner(**KEPT), f"prune_{name}")(NOW),
        "responses windows firings incidents acks sessions",
    ),
    "prune twice": lambda: [each.prune_responses(NOW) for each in [pruner(**KEPT)] * 2],
    "what is kept": lambda: assembly.kept_us(
        settings.load({"BOOPER_KEEP_COMPLETED_DAYS": "3", "BOOPER_KEEP_CANCELLED_DAYS": "0"})
    ),
    "a probe": lambda: assembly.probe(NOW - 5),
}
TEXTS = {
    "rendering": RENDERING,
    "outcomes": inside(OUTCOMES, "given up for"),
    "recording": inside(RECORDING, "events of a lost job"),
    "beside": BESIDE,
    "duties": DUTIES,
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_worker_changes_what_is_recorded(scenario, name):
    RECORDED.compare(name, scenario.text_of(TEXTS[name]))


def test_each_text_is_of_some_actions():
    assert RECORDED.names() == set(TEXTS)
