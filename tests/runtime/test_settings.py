"""The settings: defaults, limits, the message for each wrong value, and secrets that no message quotes."""

import re
from dataclasses import asdict

import pytest

from models.alerts import ways
from runtime import settings
from runtime.settings import SETTINGS, SettingsError

AMQP = "amqp://broker"
LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "::1"]
OTHER_HOSTS = ["0.0.0.0", "::", "192.168.1.10", "127.0.0.2", "2001:db8::1"]
WHATEVER_THE_MODE_AND_HOST = {
    "database_url": "sqlite:///booper.db",
    "database_connections": 40,
    "queue_prefix": "booper",
    "broker_ca_file": "",
    "broker_cert_file": "",
    "broker_key_file": "",
    "queue_type": "classic",
    "port": 8000,
    "public_urls": "",
    "path_prefix": "",
    "nat64_prefixes": "",
    "hold": False,
    "look_ahead_s": 10.0,
    "queue_bound": 5000,
    "worker_processes": 2,
    "api_processes": 4,
    "sender_slots": 2048,
    "slot_share": 0.5,
    "breaker_failures": 20,
    "max_timeout_s": 7200,
    "max_ack_s": 604_800,
    "max_retry_after_s": 86_400.0,
    "lease_margin_s": 10.0,
    "shutdown_grace_s": 30.0,
    "stop_delay_s": 0.0,
    "keep_alive_s": 75,
    "keep_completed_days": 30.0,
    "keep_discarded_days": 30.0,
    "keep_cancelled_days": 30.0,
    "keep_runs_days": 30.0,
    "min_interval_s": 1.0,
    "max_schedules": 10_000,
    "max_listeners": 5,
    "horizon_days": 366,
    "max_body_bytes": 1_572_864,
    "max_batch_bytes": 16_777_216,
    "keep_response_bytes": 65_536,
    "smtp_url": "",
    "smtp_from": "booper@localhost",
    "operator_alerts": "",
    "operator_backlog_s": 300,
    "operator_repeat_s": 0,
    "log_level": "INFO",
    "log_format": "auto",
    "metrics_token": "",
    "worker_metrics_port": 0,
    "otel_endpoint": "",
}
EMBEDDED = {
    "broker_url": "memory://",
    "demo_key": "sk_public_20230921",
    "allow_http": True,
    "hide_private_names": False,
}
PRODUCTION = {"broker_url": AMQP, "demo_key": "", "allow_http": False, "hide_private_names": True, "target_allow": ""}
# Texts that each setting takes, and the values they become.
ACCEPTED = {
    "BOOPER_DATABASE_URL": {
        "sqlite:///a.db": "sqlite:///a.db",
        "postgresql://u@h/n": "postgresql://u@h/n",
        "postgres://u@h/n": "postgresql://u@h/n",
        "postgresql://h/n?options=-c%20search_path%3Dx": "postgresql://h/n?options=-c%20search_path%3Dx",
    },
    "BOOPER_BROKER_URL": {"memory://": "memory://", AMQP: AMQP, "amqps://b": "amqps://b"},
    "BOOPER_BROKER_CA_FILE": {"": "", "/etc/booper/ca of us.pem": "/etc/booper/ca of us.pem"},
    "BOOPER_BROKER_CERT_FILE": {"": "", "/a": "/a"},
    "BOOPER_BROKER_KEY_FILE": {"": "", "/a": "/a"},
    "BOOPER_QUEUE_TYPE": {"classic": "classic", "quorum": "quorum"},
    "BOOPER_QUEUE_PREFIX": {"a": "a", "B.c-d_9": "B.c-d_9", "a" * 64: "a" * 64},
    "BOOPER_HOST": {"localhost": "localhost", "0.0.0.0": "0.0.0.0", "0:0::1": "::1", "::ffff:127.0.0.1": "127.0.0.1"},
    "BOOPER_PUBLIC_URLS": {"": "", "https://a.example": "https://a.example"},
    "BOOPER_PATH_PREFIX": {"": "", "/booper": "/booper", "/a/b.c": "/a/b.c"},
    "BOOPER_DEMO_KEY": {"on": "sk_public_20230921", "off": "", "": "", "sk_mine1": "sk_mine1"},
    "BOOPER_TARGET_ALLOW": {"": "", "10.0.0.0/8,[::1]/128:8080": "10.0.0.0/8,[::1]/128:8080"},
    "BOOPER_NAT64_PREFIXES": {"": "", "2001:db8:64::/96": "2001:db8:64::/96"},
    "BOOPER_HOLD": {"on": True, "off": False},
    "BOOPER_ALLOW_HTTP": dict.fromkeys(("1", "true", "on", "yes", "ON"), True)
    | dict.fromkeys(("0", "false", "off", "no", "Off"), False),
    "BOOPER_HIDE_PRIVATE_NAMES": dict.fromkeys(("1", "true", "on", "yes", "ON"), True)
    | dict.fromkeys(("0", "false", "off", "no", "Off"), False),
    "BOOPER_SMTP_URL": {
        text: text
        for text in (
            *("", "smtp://m.example", "smtps://u:p%40s@m.example:465", "smtp+plain://localhost:25"),
            *("smtp://[::1]:587", "smtp://u:p:s@m.example:65535"),
        )
    },
    "BOOPER_SMTP_FROM": {"alerts@example.com": "alerts@example.com"},
    "BOOPER_OPERATOR_ALERTS": {
        text: text
        for text in (
            *("", "slack=https://hooks.example/a,b", f"pagerduty={'k' * 32} ntfy=http://10.0.0.1/t"),
            "webhook=https://a.example/x?y=1, email=ops@example.com\nteams=https://b.example/",
        )
    },
    "BOOPER_LOG_LEVEL": {"debug": "DEBUG", "INFO": "INFO", "Warning": "WARNING", "ERROR": "ERROR"},
    "BOOPER_LOG_FORMAT": {"auto": "auto", "json": "json", "text": "text"},
    "BOOPER_METRICS_TOKEN": {"": "", "!" * 16: "!" * 16, "~" * 256: "~" * 256},
    "BOOPER_OTEL_ENDPOINT": {"": "", "http://c:4318": "http://c:4318", "https://c/x": "https://c/x"},
}
REFUSED = {
    "BOOPER_DATABASE_URL": [
        *("", "postgre://h/n", "sqlite://a.db", "mysql://h", " sqlite:///a", "x sqlite:///a", "sqlite:///"),
        *("sqlite:///a.db?mode=ro", "sqlite:///:memory:", "postgresql://h/n?foo=1", "postgresql://u:%zz@h/n"),
        "postgresql://h/n?connect_timeout=soon",
    ],
    "BOOPER_BROKER_URL": ["", "redis://h", "memory", "rabbit+amqp://h"],
    "BOOPER_BROKER_CA_FILE": ["ca.pem", "./ca.pem", "/", "/a\n", "/a\0"],
    "BOOPER_BROKER_CERT_FILE": ["-----BEGIN CERTIFICATE-----"],
    "BOOPER_BROKER_KEY_FILE": ["-----BEGIN PRIVATE KEY-----"],
    "BOOPER_QUEUE_TYPE": ["", "stream", "Quorum"],
    "BOOPER_QUEUE_PREFIX": ["", "9a", "-a", "a b", "a/b", "é", "a" * 65, "a\n"],
    "BOOPER_HOST": ["", "example.com", "127.0.0.1:80", "10.0.0.0/8", "[::1]", "LOCALHOST"],
    "BOOPER_PATH_PREFIX": ["booper", "/", "/booper/", "//a", "/a b", "https://a.example/booper"],
    "BOOPER_PUBLIC_URLS": ["a.example", "https://a.example/path", "ftp://a.example"],
    "BOOPER_DEMO_KEY": ["yes", "ON", "sk_shor", "pk_long_enough"],
    "BOOPER_TARGET_ALLOW": ["10.0.0.1/8", "everything", "10.0.0.0/8:0", "10.0.0.0/8:65536"],
    "BOOPER_NAT64_PREFIXES": ["10.0.0.0/8", "2001:db8::/97", "2001:db8::1/96", "::ffff:0:0/96", "x"],
    "BOOPER_HOLD": ["", "maybe"],
    "BOOPER_ALLOW_HTTP": ["", "2", "y", "enabled"],
    "BOOPER_HIDE_PRIVATE_NAMES": ["", "2", "y", "enabled"],
    "BOOPER_SMTP_URL": [
        *("m.example", "http://m.example", "smtp+plain://u:p@m.example", "smtp://", "smtp://a b", "smtp://:25"),
        *("smtp://m.example:mail", "smtp://m.example:0", "smtp://m.example:65536", "smtp://m.example:", "smtp://[::1"),
        *("smtp://[1:2]", "smtp://u:p#x@m.example", "smtp://u:p?x@m.example", "smtp://u:p[x@m.example"),
        *("smtp://u:pä@m.example", "smtp://m.example?x", "smtp+plain://m.example#x"),
    ],
    "BOOPER_SMTP_FROM": ["", "nobody", "a@b@c", "a b@example.com", "a@example.com\n"],
    "BOOPER_OPERATOR_ALERTS": [
        *("https://hooks.example/a", "fax=12345", "slack", "slack=", "slack=hooks.example", "email=nobody"),
        *("pagerduty=short", "webhook=ftp://a.example", "slack=https://a.example/b c", "email=a@b.example fax=1"),
    ],
    "BOOPER_LOG_LEVEL": ["", "TRACE", "CRITICAL", "10"],
    "BOOPER_LOG_FORMAT": ["", "JSON", "logfmt"],
    "BOOPER_METRICS_TOKEN": ["short", "x" * 15, "x" * 257, "with a space in it", "pläin-and-long-enough"],
    "BOOPER_OTEL_ENDPOINT": ["collector:4318", "grpc://collector", "http://", "http://a b", "x http://a"],
}
NUMBERS = {setting.name: setting for setting in SETTINGS if setting.name not in ACCEPTED}
WHOLE = [name for name, setting in NUMBERS.items() if isinstance(getattr(settings.load({}), setting.attribute), int)]


def load(**environ):
    return settings.load(environ)


def value_of(name, text):
    [attribute] = [setting.attribute for setting in SETTINGS if setting.name == name]
    return getattr(load(**{name: text}), attribute)


def refusal(**environ):
    with pytest.raises(SettingsError) as refused:
        load(**environ)
    return str(refused.value)


@pytest.mark.parametrize("host", [None, *LOOPBACK_HOSTS, *OTHER_HOSTS])
def test_the_defaults_of_the_embedded_mode_reach_loopback_only_from_loopback(host):
    environ = {} if host is None else {"BOOPER_HOST": host}
    allowed = "" if host in OTHER_HOSTS else "127.0.0.0/8,::1/128"
    varying = {**EMBEDDED, "host": host or "127.0.0.1", "target_allow": allowed}
    assert asdict(load(**environ)) == WHATEVER_THE_MODE_AND_HOST | varying


@pytest.mark.parametrize("host", [None, *LOOPBACK_HOSTS, *OTHER_HOSTS])
def test_the_defaults_of_production_reach_nothing_private_from_any_host(host):
    environ = {} if host is None else {"BOOPER_HOST": host}
    varying = {**PRODUCTION, "host": host or "127.0.0.1"}
    assert asdict(load(BOOPER_BROKER_URL=AMQP, **environ)) == WHATEVER_THE_MODE_AND_HOST | varying


def test_another_spelling_of_loopback_allows_no_targets():
    assert load(BOOPER_HOST="0:0:0:0:0:0:0:1").target_allow == ""


@pytest.mark.parametrize(("url", "embedded"), [("memory://", True), (AMQP, False), ("amqps://broker", False)])
def test_the_broker_chooses_the_mode(url, embedded):
    assert load(BOOPER_BROKER_URL=url).embedded is embedded


def test_a_value_that_is_set_wins_over_the_default_of_its_mode():
    effective = load(BOOPER_TARGET_ALLOW="", BOOPER_ALLOW_HTTP="off", BOOPER_DEMO_KEY="off")
    assert (effective.target_allow, effective.allow_http, effective.demo_key) == ("", False, "")
    effective = load(BOOPER_BROKER_URL=AMQP, BOOPER_ALLOW_HTTP="on", BOOPER_DEMO_KEY="on")
    assert (effective.allow_http, effective.demo_key) == (True, settings.DEMO_KEY)


def test_without_an_argument_the_environment_of_the_process_is_read(monkeypatch):
    monkeypatch.setenv("PORT", "8123")
    monkeypatch.setenv("BOOPER_HOST", "::1")
    assert (settings.load().port, settings.load().host) == (8123, "::1")
    assert settings.load({}).port == 8000


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in ACCEPTED.items() for text in texts])
def test_each_accepted_form_is_taken(name, text):
    assert value_of(name, text) == ACCEPTED[name][text]


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in REFUSED.items() for text in texts])
def test_a_wrong_value_is_refused_with_its_name_and_the_accepted_form(name, text):
    [accepted] = [setting.form.accepted for setting in SETTINGS if setting.name == name]
    assert refusal(**{name: text}).startswith(f"{name} must be {accepted}, got ")


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_is_taken_at_its_limits_and_refused_beyond(name):
    """The limits are read from the accepted form, which the operator reads too."""
    low, high = re.search(r"([\d.]+) to (\d+)", NUMBERS[name].form.accepted).groups()
    beyond = [str(float(low) - 0.001), str(float(high) + 0.001)]
    if name in WHOLE:
        lowest = 0 if NUMBERS[name].form.accepted.endswith("or 0") else int(low)
        low, beyond = str(lowest), [str(lowest - 1), str(int(high) + 1)]

    assert (value_of(name, low), value_of(name, high)) == (float(low), float(high))
    for text in [*beyond, "", "many", "nan", "inf", "-1"]:
        assert refusal(**{name: text}) == f"{name} must be {NUMBERS[name].form.accepted}, got {text!r}"


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_number_takes_no_fraction(name):
    assert f"{name} must be" in refusal(**{name: "8000.5"})


def test_every_wrong_value_is_named_at_once():
    message = refusal(PORT="x", BOOPER_HOST="y", BOOPER_QUEUE_BOUND="z", BOOPER_QUEUE_BUOND="100")
    assert [part.split()[0] for part in message.split("; ")[:4]] == [
        "BOOPER_HOST",
        "PORT",
        "BOOPER_QUEUE_BOUND",
        "BOOPER_QUEUE_BUOND",
    ]
    assert "got 'x'" in message


MISSPELLED = {
    "BOOPER_TARGET_ALOW": "BOOPER_TARGET_ALLOW",
    "BOOPER_PORT": "PORT",
    "BOOPER_API_KEYS": "BOOPER_API_KEY",
    "BOOPER_host": "BOOPER_HOST",
    "BOOPER_DATABASE_URI": "BOOPER_DATABASE_URL",
}


@pytest.mark.parametrize("name", MISSPELLED)
def test_a_misspelled_name_stops_the_start_and_the_nearest_name_is_said(name):
    nearest = MISSPELLED[name]
    assert refusal(**{name: "8000"}) == f"{name} is no setting, {nearest} is; `booper config` lists them all"


@pytest.mark.parametrize("name", ["BOOPER_", "BOOPER_XYZ"])
def test_no_name_is_said_where_none_is_near(name):
    assert refusal(**{name: ""}) == f"{name} is no setting; `booper config` lists them all"


OF_A_SERVICE = {
    "_SERVICE_HOST": "10.96.0.17",
    "_SERVICE_PORT": "80",
    "_SERVICE_PORT_HTTP": "80",
    "_PORT": "tcp://10.96.0.17:80",
    "_PORT_80_TCP": "tcp://10.96.0.17:80",
    "_PORT_80_TCP_PROTO": "tcp",
    "_PORT_80_TCP_PORT": "80",
    "_PORT_80_TCP_ADDR": "10.96.0.17",
    "_PORT_53_UDP": "udp://[fd00::17]:53",
    "_PORT_53_UDP_ADDR": "fd00::17",
    **{
        f"_PORT_9_{name.upper()}{ending}": value
        for name in ("tcp", "udp", "sctp")
        for ending, value in (("", f"{name}://10.0.0.1:9"), ("_PROTO", name), ("_PORT", "9"), ("_ADDR", "10.0.0.1"))
    },
}


@pytest.mark.parametrize("service", ["BOOPER", "BOOPER_API", "BOOPER_WORKER_METRICS", "BOOPER_2"])
def test_o1_what_kubernetes_sets_for_a_service_of_our_name_is_passed_over(service):
    """A Service named `booper` ended every command. BOOPER_WORKER_METRICS_PORT is also the name of a setting."""
    assert load(**{service + ending: value for ending, value in OF_A_SERVICE.items()}) == load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BOOPER_SERVICE_HOST", "example.com"),
        ("BOOPER_SERVICE_PORT", "http"),
        ("BOOPER_PORT_80_TCP", "80"),
        ("BOOPER_PORT_80", "tcp://10.0.0.1:80"),
        ("BOOPER_API_HOST", "10.0.0.1"),
    ],
)
def test_o1_what_only_looks_like_a_variable_of_kubernetes_is_misspelled(name, value):
    assert f"{name} is no setting" in refusal(**{name: value})


def test_a_setting_named_like_a_variable_of_kubernetes_still_counts():
    assert load(BOOPER_WORKER_METRICS_PORT="9100").worker_metrics_port == 9100
    assert "BOOPER_WORKER_METRICS_PORT must be" in refusal(BOOPER_WORKER_METRICS_PORT="tcp")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://u:c4nary@h/n?foo=1", 'invalid URI query parameter: "foo"'),
        ("postgresql://u:c4nary@h/n?options=-c x=y", 'extra key/value separator "=" in URI query parameter: "options"'),
        ("postgresql://u:c4nary@[::1/n", "it can't be parsed"),
        ("sqlite:///a.db?mode=ro", "SQLite takes no parameters"),
    ],
)
def test_a_url_that_no_connection_can_be_made_with_is_refused_with_the_reason(url, reason):
    message = refusal(BOOPER_DATABASE_URL=url)
    assert message.endswith(f"({reason})")
    assert "c4nary" not in message


@pytest.mark.parametrize(
    "name",
    [
        "BOOPER_URL",
        "BOOPER_API_KEY",
        "BOOPER_PROFILE",
        "BOOPER_TEST_FAULTS",
        "BOOPERS",
        "MY_BOOPER_X",
        "PATH",
        "dramatiq_restart_delay",
    ],
)
def test_variables_of_other_programs_are_ignored(name):
    assert load(**{name: "x"}) == load()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("db://u:p@h/n", "db://u:[hidden]@h/n"),
        ("db://u:p@ss@h/n", "db://u:[hidden]@h/n"),
        ("db://u:p:w:d@h/n", "db://u:[hidden]@h/n"),
        ("db://u:p/w?d#@h/n", "db://u:[hidden]@h/n"),
        ("db://u:p://@h/n", "db://u:[hidden]@h/n"),
        ("amqp://:p@h", "amqp://:[hidden]@h"),
        ("amqp://u:p@h;amqp://v:w@i", "amqp://u:[hidden]@i"),
        (
            "db://h/n?user=u&password=p&sslmode=require",
            "db://h/n?user=u&password=[hidden]&sslmode=require",
        ),
        ("db://u:p@h/n?SSLPassword=p", "db://u:[hidden]@h/n?SSLPassword=[hidden]"),
        ("u:p@h", "u:[hidden]@h"),
        ("db:/u:p@h", "db:[hidden]@h"),
        ("db://u@h:5432/n", "db://u@h:5432/n"),
        ("db://h:5432/n", "db://h:5432/n"),
        ("sqlite:///booper.db", "sqlite:///booper.db"),
        ("10.0.0.0/8,[::1]/128:8080", "10.0.0.0/8,[::1]/128:8080"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_its_passwords(value, shown):
    assert settings.without_password(value) == shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BOOPER_DATABASE_URL", "postgre://u:c4nary@h/n"),
        ("BOOPER_DATABASE_URL", "u:c4nary@h/n"),
        ("BOOPER_BROKER_URL", "rabbitmq://u:p@c4nary@h"),
        ("BOOPER_OTEL_ENDPOINT", "grpc://u:c4nary@collector"),
        ("BOOPER_METRICS_TOKEN", "c4nary"),
        ("BOOPER_DEMO_KEY", "key_c4nary"),
        ("BOOPER_OPERATOR_ALERTS", "slack=c4nary"),
        ("BOOPER_OPERATOR_ALERTS", "webhook=https://user:c4nary@a.example/"),
    ],
)
def test_the_message_for_a_wrong_value_hides_its_secret(name, value):
    message = refusal(**{name: value})
    assert message.startswith(f"{name} must be ")
    assert "c4nary" not in message


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("slack=https://a.example fax=1", "target 1 has no URL"),
        ("slack=https://a.example/ email=nobody", "target 2 has no e-mail address after email="),
        ("pagerduty=short", "target 1 has no routing key of 32 letters and digits after pagerduty="),
        ("fax=1", "target 1 begins with none of the ways"),
    ],
)
def test_a_wrong_target_of_the_operator_is_named_with_the_reason(value, why):
    assert why in refusal(BOOPER_OPERATOR_ALERTS=value)


def test_targets_of_the_operator_are_parted_in_every_usual_way_and_count_once():
    text = "slack=https://a.example/x;email=a@b.example, email=a@b.example\nntfy=https://n.example/a;b,c"
    assert [each.url for each in ways.read_targets(text)] == [
        "https://a.example/x",
        "mailto:a@b.example",
        "https://n.example/a;b,c",
    ]


@pytest.mark.parametrize(
    ("environ", "own_url"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"BOOPER_HOST": "::1", "PORT": "81"}, "http://[::1]:81"),
        ({"BOOPER_PATH_PREFIX": "/x"}, "http://127.0.0.1:8000/x"),
        ({"BOOPER_HOST": "0.0.0.0"}, ""),
        ({"BOOPER_BROKER_URL": AMQP}, ""),
        (
            {"BOOPER_BROKER_URL": AMQP, "BOOPER_PUBLIC_URLS": "https://a.example/, https://b.example"},
            "https://a.example",
        ),
        ({"BOOPER_PUBLIC_URLS": "https://a.example", "BOOPER_PATH_PREFIX": "/x"}, "https://a.example/x"),
    ],
)
def test_targets_reach_the_api_where_it_was_said_or_in_embedded_mode_where_it_listens(environ, own_url):
    assert load(**environ).own_url == own_url
