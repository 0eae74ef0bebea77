"""What the accounts of the state have set, and what the machinery wrote: keys, endpoints, groups, signs of life."""

import hashlib
import json

from models.accounts import account_tables, key_format
from models.jobs import job_tables
from models.operations import heartbeat_tables, operation_tables
from models.operations.listening import listener_tables
from models.rules import lateness
from models.rules.clock import HOUR, MINUTE
from models.webhooks import webhook_tables
from tests.support.clocks import START
from tests.support.rich import names
from tests.support.rich.jobs import at, fence_of
from tests.support.rich.names import ACCOUNT, ENDPOINT, JOB, OPERATION, uuid_of

LAST_UUID = "ffffffff-0000-5000-8000-000000000001"  # behind that of any request that is handed over later
EVENTS = json.dumps(["job.finished", "host.failing"])


def owner(name):
    return ACCOUNT["bob" if name.startswith("bob-") else "alice"]


def secret_of(name):
    return f"sk_secret-of-{name}"


def _key(name, title=None, revoked_at=None, holder=None):
    place = list(names.KEY).index(name)
    secret = secret_of(name)
    shown = {
        "sha256": key_format.digest(secret),
        "shown_as": key_format.shown_as(secret),
        "created_at": at(d=-70, h=place),
    }
    holder = holder or owner(name)
    values = {
        "id": names.KEY[name],
        "uuid": uuid_of("api_key", name),
        "account_id": holder,
        "name": title or f"key {name}",
    }
    return values | shown | {"revoked_at": revoked_at}


def _endpoint(name, url=None, types=None, enabled=1, deleted_at=None, unsettled_at=None):
    place = list(ENDPOINT).index(name)
    return {
        "id": ENDPOINT[name],
        "uuid": uuid_of("endpoint", name),
        "account_id": owner(name),
        "url": url or f"https://{name}.example/events",
        "types": types,
        "enabled": enabled,
        "created_at": at(d=-55, h=place),
        "deleted_at": deleted_at,
        "unsettled_at": unsettled_at,
    }


def _endpoints():
    return [
        _endpoint("all"),
        _endpoint("some", types=EVENTS),
        _endpoint("off", enabled=0, unsettled_at=at(m=-50)),
        _endpoint("gone", enabled=0, deleted_at=at(m=-59), unsettled_at=at(m=-59)),
        _endpoint("quiet", types=json.dumps(["host.recovered", "job.error"]), unsettled_at=at(m=-1)),
        _endpoint("bob-all", url="https://all.example/events"),
        _endpoint("gone-idle", enabled=0, deleted_at=at(h=-1), unsettled_at=at(h=-1)),
        _endpoint("moved", url="https://new.moved.example/e", types="[]", unsettled_at=at(s=-59)),
    ]


def _signing(name, secret, ends_at=None, title=None):
    place = list(names.SIGNING).index(name)
    secret = f"whsec_{secret * 32}"
    values = {
        "id": names.SIGNING[name],
        "uuid": uuid_of("signing_key", name),
        "account_id": owner(name),
        "secret": secret,
    }
    return values | {"name": title, "created_at": at(d=-45, h=place), "ends_at": ends_at}


def _group(name, targets):
    place = list(names.GROUP).index(name)
    shown = [{"name": each, "url": f"https://{each}.example/in", "headers": headers} for each, headers in targets]
    stamps = {"created_at": at(d=-35, h=place), "changed_at": at(d=-12, h=place)}
    return {
        "id": names.GROUP[name],
        "account_id": owner(name),
        "name": name.removeprefix("bob-"),
        "targets": json.dumps(shown),
    } | stamps


def _operation(name, action, job_filter, *, at_most=None, state="running", place=None, held=(), **columns):
    number = list(OPERATION).index(name)
    defaults = {
        "id": OPERATION[name],
        "uuid": uuid_of("operation", name),
        "account_id": owner(name),
        "action": action,
        "sent": json.dumps({"sent": name}),
        "job_filter": json.dumps({"kind": "request"} | job_filter),
        "at_most": at_most,
        "hops": number,
        "inserted_at": at(m=-15, s=number),
        "state": state,
        "place_at": None,
        "place_id": None,
        "is_read": 0,
        "held": json.dumps(list(held)),
        "done": number * 2,
        "failed": number,
        "jobs_left": 30 + number,
        "more_left": 1,
        "counted_at": at(s=-1, us=-1),
        "ended_at": None,
    }
    return defaults | columns


def _operations():
    return [
        _operation("cancels", "cancel", {"label": "billing"}),
        _operation("replays", "retry", {"state": "discarded", "replayed": False}),
        _operation("deletes", "delete", {"before": at(d=-1)}),
        _operation("bounded", "cancel", {"state": "scheduled"}, at_most=9),
        _operation("held", "delete", {}, held=[JOB["done"], JOB["ready"]], is_read=1, done=1, failed=0),
        _operation("done-late", "cancel", {}, state="done", ended_at=at(d=-30)),
        _operation("done-old", "retry", {}, state="cancelled", ended_at=at(d=-30, us=-1)),
        _operation("bob-cancels", "cancel", {}),
        _operation("counted", "retry", {"host": "shared.example"}, counted_at=at(s=-1, us=1)),
    ]


def _request(name, listener, job_name=None, **columns):
    place = columns.pop("place")
    defaults = {
        "uuid": uuid_of("listener_request", name),
        "job_id": JOB[job_name or name],
        "claim_id": fence_of(job_name or name),
        "account_id": owner(name),
        "listener": listener,
        "attempt": 1,
        "request": json.dumps(
            {
                "method": "POST",
                "url": f"listener://{listener}/{name}",
                "path": f"/{name}",
                "headers": {"X-N": str(place)},
            }
        ),
        "body": b'{"n":%d}' % place if place % 2 else None,
        "handed_at": at(s=-12 + place / 8),
        "deadline_at": at(s=20 + place),
        "taken_at": None,
        "answered_at": None,
        "answer": None,
        "answer_body": None,
        "ended_at": None,
    }
    return defaults | columns


def _answer(**fields):
    return json.dumps({"status": 202, "headers": [["X-A", "1"]], "truncated": False, "error": None} | fields)


def _requests():
    taken = {"taken_at": at(s=-7)}
    return [
        _request("listened", "laptop", place=1),
        _request("taken", "laptop", place=2, **taken),
        _request(
            "answered", "laptop", place=3, **taken, answered_at=at(s=-2), answer=_answer(), answer_body=b"a long body"
        ),
        _request("answered-error", "laptop", place=4, **taken, answered_at=at(s=-3), answer=_answer(error="timeout")),
        _request("away", "laptop", place=5, deadline_at=at()),
        _request("withdrawn", "laptop", place=6),
        _request("silent-listener", "laptop", place=7, **taken, deadline_at=at(s=-1)),
        _request("heard-late", "laptop", place=9, handed_at=at(s=-8), deadline_at=at(m=2)),
        _request("heard-early", "laptop", place=10, uuid=LAST_UUID, handed_at=at(s=-9), deadline_at=at(m=3)),
        _request("other-listener", "desk", place=8),
        _request("ended-old", "laptop", "done", place=9, request="{}", ended_at=at(h=-1, us=-1)),
        _request("ended", "laptop", "done-slow", place=10, request="{}", ended_at=at(h=-1)),
        _request("claim-over", "laptop", "failed", place=11),
        _request("bob-request", "laptop", "bob-running", place=12),
    ]


def _worker(name, host, pid, slots, in_use, started_at, seen_at):
    shown = {"host": host, "pid": pid, "version": f"1.{pid}", "slots": slots, "slots_in_use": in_use}
    return {"id": name, **shown, "started_at": started_at, "seen_at": seen_at}


def _workers():
    return [
        _worker("alive-one", "a.sender.example", 101, 64, 5, at(h=-3), at(s=-15)),
        _worker("alive-two", "b.sender.example", 102, 32, 7, at(h=-2), at(s=-2)),
        _worker("silent", "c.sender.example", 103, 16, 9, at(h=-5), at(s=-15, us=-1)),
        _worker("silent-long", "d.sender.example", 104, 8, 1, at(h=-9), at(h=-4)),
        _worker("dead", "e.sender.example", 105, 4, 2, at(d=-3), at(d=-1, us=-1)),
        _worker("dying", "f.sender.example", 106, 2, 3, at(d=-4), at(d=-1)),
    ]


def _minute(account, ago_us, worker, completed, failed, *late_us):
    counts = lateness.empty()
    for each in late_us:
        lateness.add(counts, each)
    minute_at = (START - ago_us) // MINUTE * MINUTE
    values = {"completed": completed, "failed": failed, "lateness": json.dumps(counts)}
    return {"account_id": ACCOUNT[account], "minute_at": minute_at, "worker_id": worker, **values}


def _minutes():
    return [
        _minute("alice", 0, "alive-one", 3, 1, 1_500, 30_000, 700_000),
        _minute("alice", 0, "alive-two", 5, 2, 400),
        _minute("alice", MINUTE, "alive-one", 7, 3, 90_000, 15_000),
        _minute("alice", 4 * MINUTE, "listeners", 11, 4, 3_000_000),
        _minute("alice", 25 * HOUR, "alive-one", 13, 5, 5),
        _minute("alice", 26 * HOUR, "alive-one", 17, 6, 5),
        _minute("alice", 26 * HOUR - MINUTE, "alive-two", 19, 7, 5),
        _minute("alice", 26 * HOUR, "hour", 23, 8),
        _minute("alice", 8 * 24 * HOUR, "hour", 29, 9),
        _minute("alice", 8 * 24 * HOUR + HOUR, "hour", 31, 10),
        _minute("bob", 0, "alive-one", 37, 11, 60_000_000),
        _minute("bob", 27 * HOUR, "alive-one", 41, 12, 5),
    ]


def _window(name, job_name, expires_at, job_uuid=None):
    digest = hashlib.sha256(name.removeprefix("bob-").encode()).hexdigest()
    values = {"digest": digest, "job_uuid": job_uuid or uuid_of("job", job_name), "expires_at": expires_at}
    return {"id": names.WINDOW[name], "account_id": owner(name), **values}


def _kept(name, created_at, status_code=201):
    values = {"key": name.removeprefix("bob-"), "fingerprint": f"print-{name}", "status_code": status_code}
    return {
        "id": names.REQUEST[name],
        "account_id": owner(name),
        **values,
        "answer": f'{{"of":"{name}"}}',
        "created_at": created_at,
    }


def _message(name, account, content):
    place = list(names.MESSAGE).index(name)
    values = {"account_id": account, "author": f"author {name}", "content": content, "inserted_at": at(m=-60, s=place)}
    return {"id": names.MESSAGE[name], **values}


def rows():
    alice, bob = ACCOUNT["alice"], ACCOUNT["bob"]
    ended = [("signed-out", at(us=1)), ("expired", at()), ("expired-long", at(d=-1))]
    return {
        account_tables.Account: [
            {"id": number, "uuid": uuid_of("account", name), "name": name, "created_at": at(d=-100, h=place)}
            for place, (name, number) in enumerate(ACCOUNT.items())
        ],
        account_tables.ApiKey: [
            *(_key("first"), _key("second"), _key("revoked", revoked_at=at(d=-3))),
            _key("demo", "BOOPER_DEMO_KEY", holder=ACCOUNT["carol"]),
            _key("demo-old", "BOOPER_DEMO_KEY", at(d=-4), ACCOUNT["carol"]),
            _key("bob-key"),
        ],
        account_tables.SessionSecret: [{"id": 1, "value": "the secret of sessions"}],
        account_tables.EndedSession: [
            {"digest": hashlib.sha256(token.encode()).hexdigest(), "forgotten_at": instant} for token, instant in ended
        ],
        account_tables.TargetGroup: [
            _group(
                "shops", [("berlin", {"X-Own": "mine", "X-Shop": "b"}), ("paris", {}), ("rome", {"Authorization": "r"})]
            ),
            _group("empty", []),
            _group("bob-shops", [("oslo", {})]),
        ],
        webhook_tables.Endpoint: _endpoints(),
        webhook_tables.SigningKey: [
            _signing("old-one", "a", at(d=-2)),
            _signing("ended", "b", at()),
            _signing("live", "c", title="my key"),
            _signing("bob-live", "d"),
            _signing("soon-over", "e", at(h=8)),
        ],
        webhook_tables.Channel: [
            _channel("discord", alice, "https://discord.example/api/secret-1?wait=1"),
            _channel("slack", alice, "https://slack.example/services/secret-2"),
            _channel("bob-discord", bob, "https://bob.discord.example/secret-3"),
        ],
        webhook_tables.ChannelMessage: [
            *(_message("first", alice, "hello"), _message("second", alice, "again")),
            *(_message("all", None, "to all"), _message("bob", bob, "mine")),
        ],
        job_tables.DedupWindow: [
            *(
                _window("held", "windowed", at(us=1)),
                _window("over", "done", at(s=-1)),
                _window("edge", "failed", at()),
            ),
            _window("gone", "", at(h=1), uuid_of("job", "deleted")),
            _window("bob-held", "bob-windowed", at(h=2)),
        ],
        job_tables.IdempotentRequest: [
            _kept("kept", at(d=-1, us=1)),
            _kept("old", at(d=-2), 202),
            _kept("edge", at(d=-1), 400),
            _kept("bob-kept", at(h=-1)),
        ],
        operation_tables.Operation: _operations(),
        listener_tables.Listener: [
            {"account_id": holder, "name": name, "seen_at": seen_at}
            for holder, name, seen_at in (
                *((alice, "laptop", at(s=-30)), (alice, "desk", at(m=-1)), (alice, "shelf", at(d=-7))),
                *((alice, "attic", at(d=-7, us=-1)), (bob, "laptop", at(s=-9))),
            )
        ],
        listener_tables.ListenerRequest: _requests(),
        heartbeat_tables.Worker: _workers(),
        heartbeat_tables.QueueDepth: [{"id": 1, "ready": 21, "delayed": 22, "dead": 23, "seen_at": at(s=-4)}],
        heartbeat_tables.MinuteStat: _minutes(),
    }


def _channel(name, holder, url):
    place = list(names.CHANNEL).index(name)
    return {
        "id": names.CHANNEL[name],
        "account_id": holder,
        "name": name.removeprefix("bob-"),
        "url": url,
        "created_at": at(d=-9, h=place),
    }
