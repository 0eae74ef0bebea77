"""Declares every setting once: its environment variable, form, default and meaning; loads them from the environment.

The command line reads them at start and hands on a `Settings`; nothing else reads the environment. A wrong value stops
the start with a `SettingsError` that names the variable, the value and the accepted form.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from models.alerts.ways import WAYS, WrongTarget, read_targets
from models.database.urls import SQLITE, WrongValue, checked_url
from models.rules.address_rules import parse_allow, parse_nat64
from models.rules.url_rules import origins
from runtime.kubernetes_variables import without_kubernetes_variables
from runtime.setting_forms import (
    Form,
    decimal,
    mail_server,
    matching,
    one_of,
    own_address,
    parsed_by,
    pem_file,
    switch,
    whole,
)

PREFIX = "BOOPER_"
DEMO_KEY = "sk_public_20230921"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - names no address
LOOPBACK_NETWORKS = "127.0.0.0/8,::1/128"
PASSWORD_IN_QUERY = re.compile(r"(password=)[^&]*", re.IGNORECASE)
NOT_SETTINGS = {"BOOPER_URL", "BOOPER_API_KEY", "BOOPER_PROFILE"}  # read by clients


class SettingsError(Exception):
    """The environment holds a value Booper can't use; the message lists every such variable."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable. `default`: a text of its form, or a function of (embedded, host) that returns one."""

    attribute: str
    name: str
    form: Form
    default: str | Callable[[bool, str], str]
    meaning: str
    secret: bool

    def default_of(self, embedded: bool, host: str) -> str:
        return self.default if isinstance(self.default, str) else self.default(embedded, host)


def _setting(
    name: str, form: Form, default: str | Callable[[bool, str], str], meaning: str, secret: bool = False
) -> Any:
    """A field of `Settings` that carries its declaration."""
    return field(metadata={"name": name, "form": form, "default": default, "meaning": meaning, "secret": secret})


def _demo_key(text: str) -> str:
    if text in ("", "off"):
        return ""
    return DEMO_KEY if text == "on" else str(matching("", "sk_.{5,}").parse(text))


def _on_if_embedded(embedded: bool, _host: str) -> str:
    return "on" if embedded else "off"


def _off_if_embedded(embedded: bool, _host: str) -> str:
    return "off" if embedded else "on"


def _loopback_if_embedded_there(embedded: bool, host: str) -> str:
    return LOOPBACK_NETWORKS if embedded and host in LOOPBACK else ""


@dataclass(frozen=True, slots=True)
class Settings:
    """The effective settings of one process. Durations and sizes carry their unit in the name."""

    database_url: str = _setting(
        "BOOPER_DATABASE_URL",
        Form("sqlite:///PATH or postgresql://USER@HOST/NAME", checked_url),
        "sqlite:///booper.db",
        "Where every job is kept.",
    )
    database_connections: int = _setting(
        "BOOPER_DATABASE_CONNECTIONS",
        whole(2, 1000, "a whole number"),
        "40",
        "The most connections to PostgreSQL that one process opens; the ticker opens one more, for its lead.",
    )
    broker_url: str = _setting(
        "BOOPER_BROKER_URL",
        matching("memory:// (embedded mode) or amqp://USER:PASSWORD@HOST:PORT", "(memory|amqps?)://.*"),
        "memory://",
        "The broker between the stager and the workers; several cluster members are joined by `;`.",
    )
    broker_ca_file: str = _setting(
        "BOOPER_BROKER_CA_FILE",
        pem_file(),
        "",
        "The only CA whose certificates of RabbitMQ are taken (`amqps://`); empty: those that this machine trusts.",
    )
    broker_cert_file: str = _setting(
        "BOOPER_BROKER_CERT_FILE", pem_file(), "", "The certificate that RabbitMQ is shown, if it asks for one."
    )
    broker_key_file: str = _setting(
        "BOOPER_BROKER_KEY_FILE", pem_file(), "", "The private key of that certificate, without a passphrase."
    )
    queue_prefix: str = _setting(
        "BOOPER_QUEUE_PREFIX",
        matching("up to 64 letters, digits, `.`, `_` or `-`, a letter first", "[A-Za-z][A-Za-z0-9._-]{0,63}"),
        "booper",
        "The start of every queue's name; two installations on one RabbitMQ need two prefixes.",
    )
    queue_type: str = _setting(
        "BOOPER_QUEUE_TYPE",
        one_of("classic or quorum", "classic", "quorum"),
        "classic",
        "The type of the queues in RabbitMQ. Quorum queues go on when a node of a cluster is lost.",
    )
    host: str = _setting("BOOPER_HOST", own_address(), "127.0.0.1", "The address the API listens on.")
    port: int = _setting("PORT", whole(1, 65535, "a port"), "8000", "The port the API listens on.")
    public_urls: str = _setting(
        "BOOPER_PUBLIC_URLS",
        parsed_by(origins, "http or https URLs without a path, joined by commas: https://booper.example.com"),
        "",
        (
            "The URLs by which others reach this API (through a proxy, say); jobs to them may start no other jobs. "
            "Targets acknowledge at the first."
        ),
    )
    path_prefix: str = _setting(
        "BOOPER_PATH_PREFIX",
        matching("a path such as /booper, or empty", "(/[A-Za-z0-9._~-]+)*"),
        "",
        "Below which path a proxy serves this API and the dashboard, whether or not it removes the path from requests.",
    )
    demo_key: str = _setting(
        "BOOPER_DEMO_KEY",
        Form("on, off or a key that starts with sk_", _demo_key),
        _on_if_embedded,
        "A well-known key of an account of its own, for trying things out; on in embedded mode only.",
        secret=True,
    )
    target_allow: str = _setting(
        "BOOPER_TARGET_ALLOW",
        parsed_by(parse_allow, "networks joined by commas, each with an optional port: 10.0.0.0/8,[::1]/128:8080"),
        _loopback_if_embedded_there,
        (
            "Targets that are allowed although their address is private; empty allows none. "
            "In embedded mode on loopback, loopback is allowed."
        ),
    )
    nat64_prefixes: str = _setting(
        "BOOPER_NAT64_PREFIXES",
        parsed_by(parse_nat64, "IPv6 prefixes of 32, 40, 48, 56, 64 or 96 bits, joined by commas: 2001:db8:64::/96"),
        "",
        (
            "Prefixes of the network's translators to IPv4 (NAT64), beside 64:ff9b::/96. "
            "A target's address with such a prefix is judged by the IPv4 address in it."
        ),
    )
    hide_private_names: bool = _setting(
        "BOOPER_HIDE_PRIVATE_NAMES",
        switch(),
        _off_if_embedded,
        (
            "Whether a host name that leads to a refused address looks like one that does not exist. "
            "Otherwise an account can find out which names your network has."
        ),
    )
    allow_http: bool = _setting(
        "BOOPER_ALLOW_HTTP", switch(), _on_if_embedded, "Whether jobs may name http targets beside https ones."
    )
    hold: bool = _setting(
        "BOOPER_HOLD",
        switch(),
        "off",
        "Whether nothing is planned, sent or deleted: to look at what is due, as after a restore, before it goes.",
    )
    look_ahead_s: float = _setting(
        "BOOPER_LOOK_AHEAD_SECONDS",
        decimal(0.1, 600, "seconds"),
        "10",
        "How long before its time a job is handed to the broker.",
    )
    queue_bound: int = _setting(
        "BOOPER_QUEUE_BOUND",
        whole(100, 1_000_000),
        "5000",
        "The most due jobs in the broker at once, and as many just due or due soon; the rest waits in the table.",
    )
    worker_processes: int = _setting(
        "BOOPER_WORKER_PROCESSES", whole(1, 256), "2", "Processes that send, for each `booper worker`."
    )
    api_processes: int = _setting(
        "BOOPER_API_PROCESSES", whole(1, 256), "4", "Processes that answer, for each `booper api`."
    )
    sender_slots: int = _setting(
        "BOOPER_SENDER_SLOTS", whole(1, 20_000), "2048", "Requests a worker process may have under way at once."
    )
    slot_share: float = _setting(
        "BOOPER_SLOT_SHARE",
        decimal(0.01, 1, "a part"),
        "0.5",
        "The part of the slots that one account, or one target host, may hold at once.",
    )
    breaker_failures: int = _setting(
        "BOOPER_BREAKER_FAILURES",
        whole(0, 1_000_000),
        "20",
        "So many failures in a row within a minute stop sending to a host, but for probes; 0 for never.",
    )
    max_timeout_s: int = _setting(
        "BOOPER_MAX_TIMEOUT_SECONDS",
        whole(30, 7200, "seconds"),
        "7200",
        "The longest `timeout` that an order may give an attempt.",
    )
    max_ack_s: int = _setting(
        "BOOPER_MAX_ACK_SECONDS",
        whole(1, 2_592_000, "seconds"),
        "604800",
        "The longest `ack_within` of an order: how long a target may take to acknowledge.",
    )
    max_retry_after_s: float = _setting(
        "BOOPER_MAX_RETRY_AFTER_SECONDS",
        decimal(0, 31_622_400, "seconds"),
        "86400",
        "How far a target may put the next attempt of a job off by `Retry-After`; 0: not at all.",
    )
    lease_margin_s: float = _setting(
        "BOOPER_LEASE_MARGIN_SECONDS",
        decimal(1, 3600, "seconds"),
        "10",
        "How long after its deadline a request of a silent worker counts as lost and is tried again.",
    )
    shutdown_grace_s: float = _setting(
        "BOOPER_SHUTDOWN_GRACE_SECONDS",
        decimal(0, 7200, "seconds"),
        "30",
        "How long a stopping process waits for requests under way before it gives them back.",
    )
    stop_delay_s: float = _setting(
        "BOOPER_STOP_DELAY_SECONDS",
        decimal(0, 600, "seconds"),
        "0",
        (
            "How long a stopping `booper api` still takes requests, while /readyz says that it stops: "
            "until the load balancer sends it no more."
        ),
    )
    keep_alive_s: int = _setting(
        "BOOPER_KEEP_ALIVE_SECONDS",
        whole(1, 3600, "whole seconds"),
        "75",
        "How long the API keeps an idle connection; longer than a proxy in front of it does.",
    )
    keep_completed_days: float = _setting(
        "BOOPER_KEEP_COMPLETED_DAYS",
        decimal(0, 36500, "days"),
        "30",
        "How long completed jobs, their attempts and log entries are kept; 0 keeps them for ever.",
    )
    keep_discarded_days: float = _setting(
        "BOOPER_KEEP_DISCARDED_DAYS", decimal(0, 36500, "days"), "30", "The same for discarded jobs."
    )
    keep_cancelled_days: float = _setting(
        "BOOPER_KEEP_CANCELLED_DAYS", decimal(0, 36500, "days"), "30", "The same for cancelled jobs."
    )
    keep_runs_days: float = _setting(
        "BOOPER_KEEP_RUNS_DAYS",
        decimal(0, 36500, "days"),
        "30",
        "How long the runs of schedules and closed incidents are kept; 0 keeps them for ever.",
    )
    min_interval_s: float = _setting(
        "BOOPER_MIN_INTERVAL_SECONDS",
        decimal(0.1, 86400, "seconds"),
        "1",
        "Shortest interval of `repeat_every`, and of the seconds of a `cron` with six fields.",
    )
    max_schedules: int = _setting(
        "BOOPER_MAX_SCHEDULES", whole(1, 10_000_000), "10000", "The most enabled schedules that an account may have."
    )
    max_listeners: int = _setting(
        "BOOPER_MAX_LISTENERS",
        whole(0, 1000),
        "5",
        "The most developers' machines of an account that fetch requests at once (`booper listen`); 0: none may.",
    )
    horizon_days: int = _setting(
        "BOOPER_HORIZON_DAYS", whole(1, 36500, "days"), "366", "How far ahead a job may be scheduled."
    )
    max_body_bytes: int = _setting(
        "BOOPER_MAX_BODY_BYTES", whole(1024, 16_777_216, "bytes"), "1572864", "Largest request the API reads."
    )
    max_batch_bytes: int = _setting(
        "BOOPER_MAX_BATCH_BYTES",
        whole(1024, 268_435_456, "bytes"),
        "16777216",
        "Largest request with many jobs (`POST /api/jobs/batch`) the API reads.",
    )
    keep_response_bytes: int = _setting(
        "BOOPER_KEEP_RESPONSE_BYTES",
        whole(1024, 1_048_576, "bytes"),
        "65536",
        "How much of the body of a target's response is kept, for the log, callbacks, `success` and `$previous`.",
    )
    smtp_url: str = _setting(
        "BOOPER_SMTP_URL",
        mail_server(),
        "",
        "The mail server by which alerts are sent; empty: none are sent by e-mail.",
        secret=True,
    )
    smtp_from: str = _setting(
        "BOOPER_SMTP_FROM",
        matching("an e-mail address", r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,189}"),
        "booper@localhost",
        "The sender of those e-mails.",
    )
    operator_alerts: str = _setting(
        "BOOPER_OPERATOR_ALERTS",
        parsed_by(read_targets, f"WAY=ADDRESS, parted by spaces, with one of the ways {', '.join(WAYS)}; or empty"),
        "",
        "Who is notified of troubles of Booper itself, such as `slack=https://… email=ops@example.com`; empty: nobody.",
        secret=True,
    )
    operator_backlog_s: int = _setting(
        "BOOPER_OPERATOR_BACKLOG_SECONDS",
        whole(10, 604_800, "seconds"),
        "300",
        "How long a due job may wait before that counts as such a trouble.",
    )
    operator_repeat_s: int = _setting(
        "BOOPER_OPERATOR_REPEAT_SECONDS",
        whole(0, 604_800, "seconds"),
        "0",
        "How often such a trouble is sent again while it lasts; 0: never.",
    )
    log_level: str = _setting(
        "BOOPER_LOG_LEVEL",
        one_of("DEBUG, INFO, WARNING or ERROR", "DEBUG", "INFO", "WARNING", "ERROR", fold=str.upper),
        "INFO",
        "How much is written to standard error.",
    )
    log_format: str = _setting(
        "BOOPER_LOG_FORMAT",
        one_of("auto, json or text", "auto", "json", "text"),
        "auto",
        "The form of log lines; auto: text to a terminal and in embedded mode, else a JSON object a line.",
    )
    metrics_token: str = _setting(
        "BOOPER_METRICS_TOKEN",
        matching("16 to 256 printable characters, or empty", "([!-~]{16,256})?"),
        "",
        "With `Authorization: Bearer` and this token, anybody may read /metrics; empty: only this machine may.",
        secret=True,
    )
    worker_metrics_port: int = _setting(
        "BOOPER_WORKER_METRICS_PORT",
        Form("a port, 1 to 65535, or 0", whole(0, 65535).parse),
        "0",
        "Where `booper worker` serves /metrics, on the address of BOOPER_HOST; 0: nowhere.",
    )
    otel_endpoint: str = _setting(
        "BOOPER_OTEL_ENDPOINT",
        matching("the http or https URL of an OTLP collector, or empty", "(https?://[!-~]+)?"),
        "",
        "Where traces are sent (needs the extra `otel`); empty: none are made.",
    )

    @property
    def embedded(self) -> bool:
        """Whether this is the one-process mode: the broker lives in the process's own memory."""
        return self.broker_url.startswith("memory://")

    @property
    def sqlite_file(self) -> Path | None:
        """The absolute path of the database; None: it is PostgreSQL."""
        url = self.database_url
        return Path(url.removeprefix(SQLITE)).absolute() if url.startswith(SQLITE) else None

    @property
    def listen_url(self) -> str:
        """The address that the API listens on, as an http URL without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def own_url(self) -> str:
        """Where targets reach this API: the first of BOOPER_PUBLIC_URLS; in embedded mode else the address it listens
        on. Empty when nobody has said so."""
        named = self.public_urls.replace(",", " ").split()
        if named:
            return named[0].rstrip("/") + self.path_prefix
        if not self.embedded or self.host in ANY_ADDRESS:
            return ""
        return self.listen_url + self.path_prefix


SETTINGS = tuple(Setting(column.name, **column.metadata) for column in fields(Settings))


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of `environ` (default: the process's own). Raises SettingsError with every wrong value at once."""
    environ = without_kubernetes_variables(os.environ if environ is None else environ)
    texts = raw_values(environ)
    values, errors = {}, []
    for setting in SETTINGS:
        try:
            values[setting.attribute] = setting.form.parse(texts[setting.name])
        except ValueError as error:
            got = "something else" if setting.secret else repr(without_password(texts[setting.name]))
            detail = f" ({error})" if isinstance(error, WrongValue | WrongTarget) else ""
            errors.append(f"{setting.name} must be {setting.form.accepted}, got {got}{detail}")
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
    """Each setting's text: its variable's, or the default. A default may depend on the mode and the host."""
    embedded = environ.get("BOOPER_BROKER_URL", "memory://").startswith("memory://")
    host = environ.get("BOOPER_HOST", "127.0.0.1")
    return {setting.name: environ.get(setting.name, setting.default_of(embedded, host)) for setting in SETTINGS}


def unknown_names(environ: Mapping[str, str]) -> list[str]:
    """One error for each misspelled BOOPER_ variable, which would otherwise have no effect."""
    known = {setting.name for setting in SETTINGS} | NOT_SETTINGS
    return [
        f"{name} is no setting{_nearest(name, known)}; `booper config` lists them all"
        for name in environ
        if name.startswith(PREFIX) and not name.startswith("BOOPER_TEST_") and name not in known
    ]


def _nearest(name: str, known: Iterable[str]) -> str:
    """The name that was probably meant."""
    without_prefix = {each.removeprefix(PREFIX): each for each in sorted(known)}
    nearest = get_close_matches(name.removeprefix(PREFIX).upper(), without_prefix, 1)
    return f", {without_prefix[nearest[0]]} is" if nearest else ""
