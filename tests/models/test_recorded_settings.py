"""What each action on what accounts have set, and on signs of life, returns and changes in the database."""

import json
from pathlib import Path

import pytest

from models.accounts import account_store, ack_tokens, badge_tokens, session_store, target_groups
from models.accounts.account_tables import Account
from models.accounts.ack_tokens import Attempted
from models.accounts.badge_tokens import Badge
from models.accounts.target_groups import Target
from models.flows import gates
from models.operations import acks, address_changes, heartbeats, ticker_row
from models.operations.acks import Ack
from models.operations.heartbeats import Depths, MinuteRow, WorkerRow
from models.operations.listening import listener_minutes, listener_store, open_requests
from models.operations.listening.open_requests import Answer, Handed
from models.rules import lateness
from models.rules.clock import DAY, HOUR, MINUTE, SECOND
from models.webhooks import channels, delivery_config, endpoints, host_events, signing_keys
from tests.support.clocks import START as NOW
from tests.support.recorded import Recorded
from tests.support.rich.asking import ALICE, BOB, CAROL, held, ids, inside, of_each
from tests.support.rich.jobs import fence_of
from tests.support.rich.names import ENDPOINT, GATE, JOB, uuid_of
from tests.support.rich.settings import secret_of

RECORDED = Recorded(Path(__file__).with_name("recorded") / "settings")


def account(account_id):
    return Account.get_by_id(account_id)


def shown(target_group):
    """With the targets in full, since they show their names alone."""
    return target_group and [target_group, *map(tuple, target_group.targets)]


TARGETS = [Target("a", "https://a.example/", {"X": "1"}), Target("b", "https://b.example/", {})]
ORDERED = {"name": "order", "headers": {"X-OWN": "1", "x-shop": "3", "X-Other": "2"}}
ACCOUNTS = {
    "account": lambda: [account_store.account_named(name, NOW).id for name in ("alice", "dora")],
    "create a key": lambda: account_store.create_key(account(BOB), "fresh", NOW),
    "demo key": lambda: account_store.ensure_demo_key("sk_new", NOW),
    "known demo key": lambda: account_store.ensure_demo_key(secret_of("demo-old"), NOW),
    "no demo key": lambda: account_store.ensure_demo_key("", NOW),
    "demo key that is another": lambda: account_store.ensure_demo_key(secret_of("first"), NOW),
    "owners": lambda: [account_store.account_of(secret_of(name)) for name in ("first", "revoked", "bob-key", "none")],
    "of keys": lambda: [
        each and each.id for name in ("first", "revoked") for each in [account_store.of_key(uuid_of("api_key", name))]
    ],
    "ids of keys": lambda: [account_store.key_id_of(secret_of(name)) for name in ("second", "revoked")],
    "keys": lambda: [
        ids(account_store.keys_of(ALICE)[0]),
        ids(account_store.keys_of(ALICE, account_store.keys_of(ALICE)[0][1].id)[0]),
    ],
    "all keys": lambda: [key.name for key in account_store.list_keys()],
    **of_each(
        "revoke",
        lambda name: account_store.revoke_key_of(ALICE, uuid_of("api_key", name), NOW),
        "first revoked bob-key",
    ),
    **of_each("revoke of any", lambda name: account_store.revoke_key(uuid_of("api_key", name), NOW), "revoked bob-key"),
    "secret of sessions": session_store.session_secret,
    "end a session": lambda: session_store.end("fresh", NOW + 5),
    "end a session again": lambda: session_store.end("signed-out", NOW + 6),
    "ended sessions": lambda: [session_store.has_ended(token) for token in ("signed-out", "expired", "fresh")],
    "prune sessions": lambda: session_store.prune(9, NOW),
    "prune a session": lambda: session_store.prune(1, NOW),
    "tokens of acks": lambda: [
        ack_tokens.token_of(Attempted(5, 6), "s"),
        ack_tokens.attempted_by(ack_tokens.token_of(Attempted(5, 6), "s"), "s"),
        ack_tokens.attempted_by(ack_tokens.token_of(Attempted(5, 6), "s"), "t"),
    ],
    "tokens of badges": lambda: [
        badge_tokens.token_of(Badge(5, uuid_of("a", "b")), "s"),
        badge_tokens.badge_of(badge_tokens.token_of(Badge(5, uuid_of("a", "b")), "s"), "s"),
        badge_tokens.badge_of(badge_tokens.token_of(Badge(5, uuid_of("a", "b")), "s"), "t"),
    ],
    "put a group": lambda: target_groups.put(ALICE, "fresh", TARGETS, NOW),
    "put a known group": lambda: target_groups.put(ALICE, "shops", TARGETS[:1], NOW),
    "groups": lambda: [
        [row.name for row in target_groups.listed(ALICE)],
        target_groups.total(ALICE),
        target_groups.total(CAROL),
    ],
    "a group": lambda: [shown(target_groups.find(ALICE, "shops")), target_groups.find(CAROL, "shops")],
    "delete groups": lambda: [target_groups.delete(ALICE, "empty"), target_groups.delete(CAROL, "shops")],
    "fields for targets": lambda: [
        target_groups.fields_for(each, ORDERED) for each in target_groups.find(ALICE, "shops").targets
    ],
    "fields for a target of a nameless order": lambda: target_groups.fields_for(TARGETS[0], {"name": None}),
}


def changed(name, account_id=ALICE, **values):
    return address_changes.change_endpoint(account_id, uuid_of("endpoint", name), values, NOW)


def kept_at_most(count):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(channels, "KEPT_MESSAGES", count)
        return [channels.keep(ALICE, channels.Message("who", "new", NOW)), channels.kept(ALICE)]


HOOKS = {
    "create an endpoint": lambda: endpoints.create(ALICE, "https://new.example/", '["job.error"]', False, NOW),
    "create a known endpoint": lambda: endpoints.create(
        ALICE, "https://all.example/events", None, True, NOW, unique=True
    ),
    "create one that was deleted": lambda: endpoints.create(
        ALICE, "https://gone.example/events", None, True, NOW, unique=True
    ),
    "create as many as allowed": lambda: [
        endpoints.create(ALICE, f"https://n.example/{number}", None, True, NOW) is None for number in range(16)
    ],
    "list": lambda: ids(endpoints.listed(ALICE)),
    "find": lambda: [endpoints.find(ALICE, uuid_of("endpoint", name)) for name in ("some", "gone", "bob-all")],
    "change the URL": lambda: changed("all", url="https://moved.example/to"),
    "change the types": lambda: changed("all", types='["job.started"]'),
    "change nothing": lambda: changed("all"),
    "disable": lambda: changed("all", enabled=0),
    "enable": lambda: changed("off", enabled=1),
    "change of another": lambda: changed("bob-all", enabled=0),
    "change a deleted one": lambda: changed("gone", enabled=1),
    **of_each(
        "delete",
        lambda name: address_changes.delete_endpoint(ALICE, uuid_of("endpoint", name), NOW),
        "all gone bob-all",
    ),
    "follow": lambda: address_changes.follow_endpoints(NOW),
    "follow twice": lambda: [address_changes.follow_endpoints(NOW), address_changes.follow_endpoints(NOW)],
    "follow until all is settled": lambda: [
        address_changes.follow_endpoints(NOW),
        address_changes.follow_endpoints(NOW),
        address_changes.follow_endpoints(NOW + HOUR),
    ],
    "unsettled": lambda: [row.id for row in endpoints.unsettled(9)],
    "settle": lambda: endpoints.settle([ENDPOINT["gone"], ENDPOINT["off"], ENDPOINT["moved"]]),
    "configure a channel": lambda: channels.configure(BOB, "slack", "https://s.example/x", NOW),
    "configure a known channel": lambda: channels.configure(ALICE, "slack", "https://s.example/x", NOW),
    "hosts of channels": lambda: [channels.hosts(ALICE), channels.hosts(BOB), channels.urls(BOB)],
    "remove a channel": lambda: address_changes.remove_channel(ALICE, "discord", NOW),
    "remove another channel": lambda: address_changes.remove_channel(ALICE, "slack", NOW),
    "remove no channel": lambda: address_changes.remove_channel(BOB, "slack", NOW),
    **of_each(
        "forward by",
        lambda name: channels.forward(ALICE, name, "an *author*", "<b> & *c*", 3, NOW),
        "discord slack demo",
    ),
    "keep a message": lambda: channels.keep(ALICE, channels.Message("who", "x" * 2001, NOW)),
    "keep few": lambda: kept_at_most(1),
    "kept": lambda: [channels.kept(ALICE), channels.kept(None), channels.kept(CAROL)],
    "create a signing key": lambda: signing_keys.create(CAROL, None, NOW, "mine"),
    "create a third signing key": lambda: signing_keys.create(ALICE, "whsec_x", NOW),
    "create a signing key after one has ended": lambda: signing_keys.create(ALICE, "whsec_x", NOW + 8 * HOUR),
    "list signing keys": lambda: ids(signing_keys.listed(ALICE)),
    **of_each(
        "retire",
        lambda name: signing_keys.retire(ALICE, uuid_of("signing_key", name), NOW + DAY, NOW),
        "live soon-over ended bob-live",
    ),
    "retire sooner": lambda: signing_keys.retire(ALICE, uuid_of("signing_key", "soon-over"), NOW + 1, NOW),
    "what is set": lambda: delivery_config.of_accounts([ALICE, BOB, CAROL]),
    "secrets": lambda: [
        delivery_config.of_accounts([ALICE])[ALICE].secrets_at(NOW + late) for late in (-1, 0, 8 * HOUR)
    ],
    "subscribers": lambda: {
        event: delivery_config.of_accounts([ALICE])[ALICE].subscribers_of(event)
        for event in ("job.finished", "job.error", "host.recovered", "job.started")
    },
    "a failing host": lambda: host_events.add(
        "host.failing", gates.by_id([GATE["host-probing"]])[GATE["host-probing"]], held("running")[0], NOW
    ),
    "a recovered host": lambda: host_events.add(
        "host.recovered", gates.by_id([GATE["host-calm"]])[GATE["host-calm"]], held("running")[0], NOW
    ),
}


def ack(name, succeeded=True, now=NOW, claim_id=None):
    return acks.take(Attempted(JOB[name], claim_id or fence_of(name)), Ack(succeeded, b"words", "text/x"), now)


def handed(name):
    [job] = held(name)
    return Handed(job, "fresh", '{"r":1}', b"body")


def take(name="laptop", account_id=ALICE, limit=9, now=NOW):
    return open_requests.take(account_id, name, limit, now)


def answer(name, listener="laptop", account_id=ALICE, now=NOW):
    return open_requests.answer(account_id, listener, uuid_of("listener_request", name), Answer('{"a":1}', b"b"), now)


TARGETS_SAY = {
    **of_each("acknowledge", ack, "acking acked cancelled-running ack-over ack-early done running"),
    "acknowledge a failure": lambda: ack("acking", succeeded=False),
    "acknowledge with another fence": lambda: ack("acking", claim_id=5),
    "acknowledge at the last moment": lambda: [ack("acking", now=NOW + 600 * SECOND)],
    "acknowledge too late": lambda: [ack("acking", now=NOW + 600 * SECOND + 1)],
    "ready": lambda: [[each.job.id, each.ack] for each in acks.ready()],
    "overdue": lambda: [job.id for job in acks.overdue(0, NOW)],
    "overdue for some time": lambda: [job.id for job in acks.overdue(NOW - 7 * SECOND, NOW - 1)],
    "settle": lambda: acks.settle([(JOB["acked"], fence_of("acked")), (JOB["acked-bad"], 1)], NOW),
    "settle useless": lambda: acks.settle_useless(NOW),
    "note ends": lambda: acks.note_ends(
        [(JOB["acked"], 1, NOW, "why", NOW + 5), (JOB["acked-bad"], 1, NOW + 1, None, None)]
    ),
    "prune acks": lambda: acks.prune(9, NOW),
    "prune an ack": lambda: acks.prune(1, NOW),
    "hand over": lambda: open_requests.hand_over([handed("running"), handed("acking")], NOW),
    "room": lambda: [open_requests.has_room(ALICE, "laptop"), open_requests.has_room(BOB, "none")],
    "take": take,
    "take one": lambda: take(limit=1),
    "take two": lambda: take(limit=2),
    "take another's": lambda: [take("desk"), take(account_id=BOB), take("shelf")],
    "take too late": lambda: take(now=NOW + MINUTE),
    **of_each("answer", answer, "taken listened answered away ended other-listener"),
    "answer at the last moment": lambda: [answer("taken", now=NOW + 22 * SECOND - 1), answer("silent-listener")],
    "answer too late": lambda: answer("taken", now=NOW + 22 * SECOND),
    "answer for another": lambda: [answer("taken", account_id=BOB), answer("taken", "desk")],
    "waiting of": lambda: [
        open_requests.waiting_of(JOB[name]) for name in ("listened", "taken", "other-listener", "failed", "done")
    ],
    "any over": lambda: [open_requests.any_over(NOW), open_requests.any_over(NOW - HOUR)],
    "over": lambda: [[each.uuid, each.job and each.job.id, each] for each in open_requests.lock_over(NOW)],
    "withdrawn": lambda: [[uuid, job.id] for uuid, job in open_requests.lock_withdrawn()],
    "end": lambda: open_requests.end([uuid_of("listener_request", "answered")], NOW),
    "prune requests": lambda: open_requests.prune(NOW),
    "listeners": lambda: [listener_store.listed(ALICE), listener_store.listed(BOB)],
    "note a known listener": lambda: listener_store.note_seen(ALICE, "laptop", 0, NOW),
    "note one that was away": lambda: listener_store.note_seen(ALICE, "desk", 2, NOW),
    "note a fresh one": lambda: listener_store.note_seen(BOB, "fresh", 2, NOW),
    "note one too many": lambda: [
        listener_store.note_seen(ALICE, "fresh", 1, NOW),
        listener_store.note_seen(ALICE, "desk", 1, NOW),
    ],
    "connected": lambda: [
        listener_store.is_connected(seen_at, NOW) for seen_at in (None, NOW - MINUTE, NOW - MINUTE + 1)
    ],
    "prune listeners": lambda: listener_store.prune(NOW),
}


def minute(account_id, worker, completed, failed, late_us, at=NOW):
    counts = lateness.empty()
    lateness.add(counts, late_us)
    return MinuteRow(account_id, at, worker, completed, failed, json.dumps(counts))


def worker(name):
    return WorkerRow(name, "h.example", 5, "v6", 7, 8, NOW - 9, NOW)


LIFE = {
    "a new worker": lambda: heartbeats.record_heartbeat(worker("fresh")),
    "a known worker": lambda: heartbeats.record_heartbeat(worker("silent")),
    "a stopped worker": lambda: heartbeats.remove_worker("silent"),
    "depths": lambda: [heartbeats.depths(), heartbeats.record_depths(Depths(1, 2, 3, NOW)), heartbeats.depths()],
    "minutes": lambda: heartbeats.record_minutes([minute(CAROL, "w", 1, 2, 5), minute(ALICE, "alive-one", 3, 4, 6)]),
    "minutes of listeners": lambda: listener_minutes.add(
        [minute(ALICE, "listeners", 5, 6, 7, NOW - 4 * MINUTE), minute(BOB, "listeners", 7, 8, 9)]
    ),
    "prune": lambda: heartbeats.prune(NOW),
    "prune an hour later": lambda: heartbeats.prune(NOW + HOUR),
    "workers": lambda: [heartbeats.workers(), [row.id for row in heartbeats.alive(heartbeats.workers(), NOW)]],
    "last minutes": lambda: heartbeats.minutes(ALICE, NOW, 5),
    "last minute of another": lambda: heartbeats.minutes(BOB, NOW + 30 * SECOND, 1),
    "lateness": lambda: [
        heartbeats.lateness_within(ALICE, NOW - ago * MINUTE, NOW, part) for ago in (0, 1, 4) for part in (0.5, 0.99)
    ],
    "ticker": lambda: [ticker_row.seen_at(), ticker_row.delivered_until()],
    "ticker seen": lambda: ticker_row.record_seen(NOW),
    "delivered": lambda: ticker_row.record_delivered(NOW + 1),
}
TEXTS = {
    "accounts": ACCOUNTS,
    "hooks": HOOKS,
    "targets": inside(TARGETS_SAY, "overdue", "overdue for some time", "over", "withdrawn"),
    "life": inside(LIFE, "minutes of listeners"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_settings_change_as_recorded(scenario, name):
    RECORDED.compare(name, scenario.text_of(TEXTS[name]))


def test_each_text_is_of_some_actions():
    RECORDED.are_exactly(TEXTS)
