"""Which parts of the processes that send, tick and watch get each setting: all that need it, wherever it is changed."""

from dataclasses import fields

import pytest

from models.rules import clock
from runtime import settings
from runtime.settings import SETTINGS, Settings
from tests.support.leads import Lead
from tests.support.plain_values import plain_values
from workers.assembly import make_ticker
from workers.delivery.delivery import Delivery
from workers.operator_watch.watch import Watch

OWN_URL = {"AckUrls.own_url", "Rule.name"}
ALLOWED = {"Allowed.network", "Allowed.port"}
ALL_SLOTS = {"Slots.size", "Slots.share", "Slots.half", "Pool.size", "Pool.free", "Pool.most"}
LONGEST = {"Recorder.longest_us", "HostHealth.longest_us", "ListenerResults.longest_us"}
REACHES = {  # another value of each setting, and what it changes
    "broker_url": ("amqp://h", {*OWN_URL, *ALLOWED, "AddressPolicy.hides_names"}),
    "host": ("127.0.0.2", {*OWN_URL, *ALLOWED, "AddressPolicy.own"}),
    "port": ("8001", {*OWN_URL, "AddressPolicy.own"}),
    "public_urls": ("https://b.example", {*OWN_URL, "AddressPolicy.own_origins"}),
    "path_prefix": ("/p", OWN_URL),
    "target_allow": ("10.0.0.0/8", ALLOWED),
    "nat64_prefixes": ("2001:db8:64::/96", {"AddressPolicy.nat64"}),
    "hide_private_names": ("on", {"AddressPolicy.hides_names"}),
    "hold": ("on", {"Bounds.is_held"}),
    "look_ahead_s": ("7", {"Stager.look_ahead_us"}),
    "queue_bound": ("777", {"Stager.bound"}),
    "sender_slots": ("77", {*ALL_SLOTS, "Sampling.size", "IdleConnections.most"}),
    "slot_share": ("0.25", ALL_SLOTS - {"Slots.size"}),
    "breaker_failures": ("7", {"HostHealth.most"}),
    "max_retry_after_s": ("777", LONGEST),
    "lease_margin_s": ("7", {"Delivery.lease_margin_us", "LongLeases.margin_us", "Senders.fresh_us"}),
    "shutdown_grace_s": ("7", {"Delivery.grace_s"}),
    "keep_completed_days": ("7", {"Pruner.kept_us.completed"}),
    "keep_discarded_days": ("7", {"Pruner.kept_us.discarded"}),
    "keep_cancelled_days": ("7", {"Pruner.kept_us.cancelled"}),
    "keep_runs_days": ("7", {"Pruner.firings_kept_us"}),
    "keep_response_bytes": ("7777", {"Dialer.kept_bytes", "ListenerResults.kept_bytes"}),
    "smtp_url": ("smtp://m.example", {"Mailer.parts.scheme", "Mailer.parts.netloc", "Bounds.sends_mail"}),
    "smtp_from": ("x@y.example", {"Senders.mail_from", "Sender.mail_from"}),
    "operator_alerts": ("slack=https://s.example/x", {"Target.way", "Target.url", "Target.secret"}),
    "operator_backlog_s": ("77", {"Bounds.backlog_us"}),
    "operator_repeat_s": ("77", {"Options.repeat_us"}),
}
ELSEWHERE = {  # what no object of these parts holds
    *("database_url", "database_connections", "broker_ca_file", "broker_cert_file", "broker_key_file", "queue_prefix"),
    *("queue_type", "demo_key", "allow_http", "worker_processes", "api_processes", "max_timeout_s", "max_ack_s"),
    *("stop_delay_s", "keep_alive_s", "min_interval_s", "max_schedules", "max_listeners", "horizon_days"),
    *("max_body_bytes", "max_batch_bytes", "log_level", "log_format", "metrics_token", "worker_metrics_port"),
    "otel_endpoint",
}
UNITS = {"us": 1, "s": clock.SECOND, "days": clock.DAY}  # by the end of a name
EACH_TIME_ANOTHER = {"Heartbeat.id", "Turn.watcher", "LeaseClock.offset"}
NAMES = {setting.attribute: setting.name for setting in SETTINGS}


@pytest.fixture
def held_values(db, messages):
    """Makes the parts by an environment; the values that they hold."""

    def of(environ):
        chosen = settings.load(environ)
        parts = (Delivery(chosen), Watch(chosen), make_ticker(chosen, messages, Lead(), lambda: None))
        return plain_values(parts)

    return of


def test_it_is_decided_for_each_setting_what_it_reaches():
    assert sorted([*REACHES, *ELSEWHERE]) == sorted(each.name for each in fields(Settings))


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_a_setting_reaches_every_part_that_needs_it(held_values):
    usual = held_values({})
    for name, (text, places) in REACHES.items():
        changed = held_values({NAMES[name]: text})
        differing = {place for place in {*usual, *changed} if usual.get(place) != changed.get(place)}
        assert (name, differing - EACH_TIME_ANOTHER) == (name, places)


HALVES = {"Senders.fresh_us"}


def unit_of(name):
    """The microseconds in the unit in which it counts; 0: it is no length of time."""
    return next((UNITS[end] for part in name.split(".") if (end := part.rpartition("_")[2]) in UNITS), 0)


TIMES = {name: text for name, (text, _) in REACHES.items() if unit_of(name)}


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_a_length_of_time_reaches_each_part_in_the_unit_of_its_name(held_values, name):
    held = held_values({NAMES[name]: TIMES[name]})

    for place in REACHES[name][1]:
        value = int(TIMES[name]) * unit_of(name) / (2 if place in HALVES else 1)
        assert {float(text) * unit_of(place) for text in held[place]} == {value}, place
