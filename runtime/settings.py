"""Owns every setting: its environment variable, accepted form, default and meaning, in one table.

Read once at start by the command line and handed on as a `Settings`; nothing else reads the environment.
A wrong value stops the start with a `SettingsError` that names variable, value and accepted form.
"""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from models.rules.address_rules import parse_allow
from models.rules.url_rules import origins

DEMO_KEY = "sk_public_20230921"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LOOPBACK_NETWORKS = "127.0.0.0/8,::1/128"
PASSWORD_IN_QUERY = re.compile(r"(password=)[^&]*", re.IGNORECASE)


class SettingsError(Exception):
    """The environment holds a value Booper can't use; the message lists every such variable."""


def queue_prefix(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9._-]{0,63}", value):
        raise ValueError
    return value


def host(value: str) -> str:
    return value if value == "localhost" else str(ipaddress.ip_address(value))


def whole(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        number = int(value)
        if not low <= number <= high:
            raise ValueError
        return number

    return parse


def number(low: float, high: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        parsed = float(value)
        if not low <= parsed <= high:
            raise ValueError
        return parsed

    return parse


def flag(value: str) -> bool:
    return {
        "1": True,
        "true": True,
        "on": True,
        "yes": True,
        "0": False,
        "false": False,
        "off": False,
        "no": False,
    }[value.lower()]


def one_of_schemes(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if not any(value.startswith(scheme) for scheme in schemes):
            raise ValueError
        return value

    return parse


def demo_key(value: str) -> str:
    if value in ("", "off"):
        return ""
    if value == "on":
        return DEMO_KEY
    if not value.startswith("sk_") or len(value) < 8:
        raise ValueError
    return value


def networks(value: str) -> str:
    """The text as it is, once it is known to parse; models/rules/address_rules.py owns the form."""
    parse_allow(value)
    return value


def token(value: str) -> str:
    if value and not re.fullmatch(r"[!-~]{16,256}", value):
        raise ValueError
    return value


def log_format(value: str) -> str:
    if value not in ("auto", "json", "text"):
        raise ValueError
    return value


def endpoint(value: str) -> str:
    if value and not re.fullmatch(r"https?://[!-~]+", value):
        raise ValueError
    return value


def public_urls(value: str) -> str:
    """The text as it is, once it is known to parse; models/rules/url_rules.py owns the form."""
    origins(value)
    return value


def level(value: str) -> str:
    if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError
    return value.upper()


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable. `default` is text in the accepted form, or a function of (embedded, host) giving it."""

    name: str
    attribute: str
    parse: Callable[[str], Any]
    default: str | Callable[[bool, str], str]
    accepted: str
    meaning: str
    secret: bool = False


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "BOOPER_DATABASE_URL",
        "database_url",
        one_of_schemes("sqlite:///", "postgresql://"),
        "sqlite:///booper.db",
        "sqlite:///PATH or postgresql://USER@HOST/NAME",
        "Where every job is kept.",
    ),
    Setting(
        "BOOPER_BROKER_URL",
        "broker_url",
        one_of_schemes("memory://", "amqp://", "amqps://"),
        "memory://",
        "memory:// (embedded mode) or amqp://USER:PASSWORD@HOST:PORT",
        "What carries the nudges from the stager to the workers; several cluster members joined by `;`.",
    ),
    Setting(
        "BOOPER_QUEUE_PREFIX",
        "queue_prefix",
        queue_prefix,
        "booper",
        "up to 64 letters, digits, `.`, `_` or `-`, a letter first",
        "Start of every queue's name; two installations on one RabbitMQ need two prefixes.",
    ),
    Setting(
        "BOOPER_HOST",
        "host",
        host,
        "127.0.0.1",
        "an address of this machine, or localhost",
        "The address the API listens on.",
    ),
    Setting("PORT", "port", whole(1, 65535), "8000", "a port, 1 to 65535", "The port the API listens on."),
    Setting(
        "BOOPER_PUBLIC_URLS",
        "public_urls",
        public_urls,
        "",
        "http or https URLs without a path, joined by commas: https://booper.example.com",
        "Under which URLs others reach this API (by a proxy, say); jobs to them may start no other jobs.",
    ),
    Setting(
        "BOOPER_DEMO_KEY",
        "demo_key",
        demo_key,
        lambda embedded, _host: "on" if embedded else "off",
        "on, off or a key that starts with sk_",
        "A well-known key of an account of its own, for trying things out; on in embedded mode only.",
        secret=True,
    ),
    Setting(
        "BOOPER_TARGET_ALLOW",
        "target_allow",
        networks,
        lambda embedded, host: LOOPBACK_NETWORKS if embedded and host in LOOPBACK else "",
        "networks joined by commas, each with an optional port: 10.0.0.0/8,[::1]/128:8080",
        "Targets allowed although their address is private; empty allows none. "
        "In embedded mode on loopback, loopback is allowed.",
    ),
    Setting(
        "BOOPER_ALLOW_HTTP",
        "allow_http",
        flag,
        lambda embedded, _host: "on" if embedded else "off",
        "on or off",
        "Whether jobs may name http targets beside https ones.",
    ),
    Setting(
        "BOOPER_LOOK_AHEAD_SECONDS",
        "look_ahead_s",
        number(0.1, 600),
        "10",
        "seconds, 0.1 to 600",
        "How long before its time a job is handed to the broker.",
    ),
    Setting(
        "BOOPER_QUEUE_BOUND",
        "queue_bound",
        whole(100, 1_000_000),
        "5000",
        "a whole number, 100 to 1000000",
        "Most due jobs (and again as many just due or early ones) in the broker at once; the table holds the rest.",
    ),
    Setting(
        "BOOPER_WORKER_PROCESSES",
        "worker_processes",
        whole(1, 256),
        "2",
        "a whole number, 1 to 256",
        "Processes that send, for each `booper worker`.",
    ),
    Setting(
        "BOOPER_API_PROCESSES",
        "api_processes",
        whole(1, 256),
        "4",
        "a whole number, 1 to 256",
        "Processes that answer, for each `booper api`.",
    ),
    Setting(
        "BOOPER_SENDER_SLOTS",
        "sender_slots",
        whole(1, 4096),
        "2048",
        "a whole number, 1 to 4096",
        "Requests a worker process may have under way at once.",
    ),
    Setting(
        "BOOPER_SLOT_SHARE",
        "slot_share",
        number(0.01, 1),
        "0.5",
        "a part, 0.01 to 1",
        "Part of the slots that one account, or one target host, may hold at once.",
    ),
    Setting(
        "BOOPER_LEASE_MARGIN_SECONDS",
        "lease_margin_s",
        number(1, 3600),
        "10",
        "seconds, 1 to 3600",
        "How long after its deadline a request whose worker fell silent is taken for lost and tried again.",
    ),
    Setting(
        "BOOPER_SHUTDOWN_GRACE_SECONDS",
        "shutdown_grace_s",
        number(0, 3600),
        "30",
        "seconds, 0 to 3600",
        "How long a stopping process waits for requests under way before it gives them back.",
    ),
    Setting(
        "BOOPER_KEEP_COMPLETED_DAYS",
        "keep_completed_days",
        number(0, 36500),
        "30",
        "days, 0 to 36500",
        "How long completed jobs, their attempts and log entries are kept; 0 keeps them for ever.",
    ),
    Setting(
        "BOOPER_KEEP_DISCARDED_DAYS",
        "keep_discarded_days",
        number(0, 36500),
        "30",
        "days, 0 to 36500",
        "The same for discarded jobs.",
    ),
    Setting(
        "BOOPER_KEEP_CANCELLED_DAYS",
        "keep_cancelled_days",
        number(0, 36500),
        "30",
        "days, 0 to 36500",
        "The same for cancelled jobs.",
    ),
    Setting(
        "BOOPER_KEEP_RUNS_DAYS",
        "keep_runs_days",
        number(0, 36500),
        "30",
        "days, 0 to 36500",
        "How long the runs of schedules are kept; 0 keeps them for ever.",
    ),
    Setting(
        "BOOPER_MIN_INTERVAL_SECONDS",
        "min_interval_s",
        number(0.1, 86400),
        "1",
        "seconds, 0.1 to 86400",
        "Shortest interval of `repeat_every`; the shortest of `cron` is a minute.",
    ),
    Setting(
        "BOOPER_MAX_SCHEDULES",
        "max_schedules",
        whole(1, 10_000_000),
        "10000",
        "a whole number, 1 to 10000000",
        "Most enabled schedules an account may have.",
    ),
    Setting(
        "BOOPER_HORIZON_DAYS",
        "horizon_days",
        whole(1, 36500),
        "366",
        "days, 1 to 36500",
        "How far ahead a job may be scheduled.",
    ),
    Setting(
        "BOOPER_MAX_BODY_BYTES",
        "max_body_bytes",
        whole(1024, 16_777_216),
        "524288",
        "bytes, 1024 to 16777216",
        "Largest request the API reads.",
    ),
    Setting(
        "BOOPER_MAX_BATCH_BYTES",
        "max_batch_bytes",
        whole(1024, 268_435_456),
        "16777216",
        "bytes, 1024 to 268435456",
        "Largest request with many jobs (`POST /api/jobs/batch`) the API reads.",
    ),
    Setting(
        "BOOPER_LOG_LEVEL",
        "log_level",
        level,
        "INFO",
        "DEBUG, INFO, WARNING or ERROR",
        "How much is written to standard error.",
    ),
    Setting(
        "BOOPER_LOG_FORMAT",
        "log_format",
        log_format,
        "auto",
        "auto, json or text",
        "How it is written; auto: as text to a terminal and in embedded mode, else a JSON object a line.",
    ),
    Setting(
        "BOOPER_METRICS_TOKEN",
        "metrics_token",
        token,
        "",
        "16 to 256 printable characters, or empty",
        "Who sends it as `Authorization: Bearer …` may read /metrics from anywhere; empty: from this machine alone.",
        secret=True,
    ),
    Setting(
        "BOOPER_WORKER_METRICS_PORT",
        "worker_metrics_port",
        whole(0, 65535),
        "0",
        "a port, 1 to 65535, or 0",
        "Where `booper worker` serves /metrics, on the address of BOOPER_HOST; 0: nowhere.",
    ),
    Setting(
        "BOOPER_OTEL_ENDPOINT",
        "otel_endpoint",
        endpoint,
        "",
        "the http or https URL of an OTLP collector, or empty",
        "Where traces are sent (needs the extra `otel`); empty: none are made.",
    ),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The effective settings of one process. Durations and sizes carry their unit in the name."""

    database_url: str
    broker_url: str
    queue_prefix: str
    host: str
    port: int
    public_urls: str
    demo_key: str
    target_allow: str
    allow_http: bool
    look_ahead_s: float
    queue_bound: int
    worker_processes: int
    api_processes: int
    sender_slots: int
    slot_share: float
    lease_margin_s: float
    shutdown_grace_s: float
    keep_completed_days: float
    keep_discarded_days: float
    keep_cancelled_days: float
    keep_runs_days: float
    min_interval_s: float
    max_schedules: int
    horizon_days: int
    max_body_bytes: int
    max_batch_bytes: int
    log_level: str
    log_format: str
    metrics_token: str
    worker_metrics_port: int
    otel_endpoint: str

    @property
    def embedded(self) -> bool:
        """Whether this is the one-process mode: the broker lives in the process's own memory."""
        return self.broker_url.startswith("memory://")


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of `environ` (default: the process's own). Raises SettingsError with every wrong value at once."""
    environ = os.environ if environ is None else environ
    raw = raw_values(environ)
    values, errors = {}, []
    for setting in SETTINGS:
        try:
            values[setting.attribute] = setting.parse(raw[setting.name])
        except (ValueError, KeyError):
            got = "something else" if setting.secret else repr(without_password(raw[setting.name]))
            errors.append(f"{setting.name} must be {setting.accepted}, got {got}")
    errors += unknown_names(environ)
    if errors:
        raise SettingsError("; ".join(errors))
    return Settings(**values)


def without_password(value: str) -> str:
    """The value with every password of a URL hidden: between user and host, and in the query."""
    scheme, mark, rest = value.partition("://") if "://" in value else ("", "", value)
    user, at, host = rest.rpartition("@")
    shown = f"{scheme}{mark}{user.partition(':')[0]}:[hidden]@{host}" if at and ":" in user else value
    return PASSWORD_IN_QUERY.sub(r"\1[hidden]", shown)


def raw_values(environ: Mapping[str, str]) -> dict[str, str]:
    """Each setting's text, given or default. A default may depend on the mode and the host."""
    embedded = environ.get("BOOPER_BROKER_URL", "memory://").startswith("memory://")
    listens_on = environ.get("BOOPER_HOST", "127.0.0.1")
    return {
        s.name: environ[s.name]
        if s.name in environ
        else (s.default if isinstance(s.default, str) else s.default(embedded, listens_on))
        for s in SETTINGS
    }


def unknown_names(environ: Mapping[str, str]) -> list[str]:
    """A misspelt BOOPER_ variable is a mistake that would otherwise go unseen."""
    known = {setting.name for setting in SETTINGS} | {"BOOPER_API_KEY"}
    return [
        f"{name} is no setting; `booper config` lists them all"
        for name in environ
        if name.startswith("BOOPER_") and not name.startswith("BOOPER_TEST_") and name not in known
    ]
