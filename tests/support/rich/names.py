"""The names of the rows, and the integers and UUIDs that go with them."""

from uuid import NAMESPACE_OID, uuid5

from tests.support.rich.numbers import numbered

ACCOUNT = numbered("account", "alice bob carol")
GATE = numbered(
    "gate",
    "account- host-closed host-resting host-probing host-failing host-calm flow-shop flow-full flow-narrow flow-rested "
    "lane-user lane-stops lane-stopped flow-unused flow-pinned flow-of-schedule host-old bob-flow-shop "
    "bob-host-failing bob-account flow-week lane-other flow-waking lane-shop flow-kept",
)
ENDPOINT = numbered("endpoint", "all some off gone quiet bob-all gone-idle moved")
ALERT = numbered("alert", "any hourly label host flow share muted quiet off bob-any polled")
TARGET = numbered(
    "alert_target", "hook slack discord teams ntfy pager mail hourly-hook share-hook quiet-mail bob-hook flow-hook"
)
INCIDENT = numbered(
    "incident",
    "fresh repeated closed flapping calm muted acknowledged old noted of-host late-one waiting silent bob-fresh "
    "of-operator ends",
)
JOB = numbered(
    "job",
    # what waits
    "ready rich soon named snoozed later keyed windowed retry retry-due retry-last retry-aged retry-now hook-retry "
    "at-flow at-flow-next at-full at-host at-host-next at-probing at-lane-head at-lane-next at-stopped at-account "
    "flow-ready flow-soon narrow-ready narrow-next rested-ready lane-first lane-second closed-ready probe-ready "
    # what is under way
    "running running-last running-long running-flow running-lane lost lost-edge lost-later lost-again crashed "
    "crashed-next lost-third lost-last lost-lane cancelled-running cancelled-lost cancelled-ack "
    "acking acked acked-bad ack-over ack-edge ack-early "
    "listened taken answered answered-error away withdrawn silent-listener heard-late heard-early other-listener "
    # what has ended
    "done done-slow done-old done-edge done-young failed failed-host failed-other failed-old failed-seen given-up "
    "cancelled cancelled-old copy copied copied-again "
    # sets and follow-ups
    "set-first set-second callback event-first event-second event-third event-tried event-after event-lost "
    "event-behind-lost event-off event-gone "
    "event-moved event-own channel-message alert-first alert-second alert-third alert-mail alert-mail-done alert-ended "
    # of schedules
    "hourly-next hourly-due hourly-running hourly-done hourly-failed daily-next cron-next cron-due skip-running "
    "skip-behind queue-running queue-waiting queue-snoozed allow-old allow-new missed-old missed-older missed-now "
    "expired expired-paused expired-behind expired-recent gone-schedule off-waiting off-edge off-new group-due filled "
    "weekly-next calendar-next calendar-far "
    # of another account
    "bob-ready bob-rich bob-failed bob-running bob-parked bob-labeled bob-event bob-windowed bob-scheduled",
)
SCHEDULES = [
    "hourly",
    "daily",
    "cron",
    "skip",
    "queue",
    "allow",
    "missed",
    "off",
    "finished",
    "group",
    "weekly",
    "calendar",
    "fading",
    "filled",
    "behind",
    "paused",
    "fragile",
    "bob-hourly",
]
OPERATION = numbered("operation", "cancels replays deletes bounded held done-late done-old bob-cancels counted")
KEY = numbered("api_key", "first second revoked demo demo-old bob-key")
SIGNING = numbered("signing_key", "old-one ended live bob-live soon-over")
CALENDAR = numbered("calendar", "holidays moving unused bob-holidays")
BACKFILL = numbered("backfill", "ready busy gone-schedule finished old stopped bob-backfill last")
GROUP = numbered("target_group", "shops empty bob-shops")
CHANNEL = numbered("channel", "discord slack bob-discord")
WINDOW = numbered("dedup_window", "held over edge gone bob-held")
REQUEST = numbered("idempotent_request", "kept old edge bob-kept")
SUBJECT = numbered("incident_subject", " ".join(f"s{number}" for number in range(1, 31)))
NOTIFICATION = numbered("notification", " ".join(f"n{number}" for number in range(1, 21)))
MESSAGE = numbered("channel_message", "first second all bob")
EVENT = numbered("health_event", "e1 e2 e3 e4 e5 e6 e7 e8 e9")


def uuid_of(table, name):
    return str(uuid5(NAMESPACE_OID, f"{table} {name}"))


SCHEDULE = {name: uuid_of("schedule", name) for name in SCHEDULES}
WITH_UUID = {
    "account": ACCOUNT,
    "job": JOB,
    "endpoint": ENDPOINT,
    "alert": ALERT,
    "incident": INCIDENT,
    "operation": OPERATION,
    "api_key": KEY,
    "signing_key": SIGNING,
    "backfill": BACKFILL,
}
BY_NUMBER = {
    number: f"{table} {name}"
    for table, names in {
        **WITH_UUID,
        **{"gate": GATE, "alert_target": TARGET, "calendar": CALENDAR, "target_group": GROUP, "channel": CHANNEL},
        **{"dedup_window": WINDOW, "idempotent_request": REQUEST, "incident_subject": SUBJECT},
        **{"notification": NOTIFICATION, "channel_message": MESSAGE, "health_event": EVENT},
    }.items()
    for name, number in names.items()
}
BY_UUID = {uuid_of(table, name): f"{table} {name}" for table, names in WITH_UUID.items() for name in names} | {
    uuid: f"schedule {name}" for name, uuid in SCHEDULE.items()
}
