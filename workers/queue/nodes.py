"""Reads the settings of RabbitMQ: its nodes, our limits on waiting, and how TLS checks whom it talks to."""

from typing import TypeAlias

import pika

from runtime.settings import Settings, SettingsError
from workers.queue import tls

Node: TypeAlias = pika.URLParameters  # how one is reached
CLUSTER_SEPARATOR = ";"
TLS_SCHEME, TLS_OPTION = "amqps://", "ssl_options"
BROKER_OPTIONS = {
    "heartbeat": "30",
    "blocked_connection_timeout": "10",
    "socket_timeout": "5",
    "stack_timeout": "5",
    "connection_attempts": "1",
}


def parameters(settings: Settings, heartbeat_s: int | None = None) -> list[Node]:
    """How each node of BOOPER_BROKER_URL is reached. `heartbeat_s`: for nodes whose URL sets none. Raises SettingsError
    for what no connection can be made with; the message quotes no password."""
    urls = settings.broker_url.split(CLUSTER_SEPARATOR)
    for url in urls:
        if problem := _problem(url):
            raise SettingsError(
                f"BOOPER_BROKER_URL must be a URL that RabbitMQ can be reached by, got one where {problem}"
            )
    _check_schemes(settings, urls)
    reached = [pika.URLParameters(with_options(url, heartbeat_s)) for url in urls]
    encrypted = [each for each in reached if each.ssl_options]
    if encrypted:
        context = tls.context(settings)
        for each in encrypted:
            each.ssl_options = pika.SSLOptions(context)  # pika gives it the host of the URL to check
    return reached


def with_options(url: str, heartbeat_s: int | None = None) -> str:
    """The URL with our limits on waiting, unless it sets its own."""
    options = {**BROKER_OPTIONS, "heartbeat": str(heartbeat_s)} if heartbeat_s else BROKER_OPTIONS
    base, _, query = url.partition("?")
    own = dict(pair.partition("=")[::2] for pair in query.split("&") if pair)
    return base + "?" + "&".join(f"{name}={value}" for name, value in {**options, **own}.items())


def _problem(url: str) -> str | None:
    """What is wrong with the URL of a node, in words without a password; None: nothing."""
    if TLS_OPTION in url.partition("?")[2]:  # they could switch the checks off
        return f"{TLS_OPTION} are named: set {tls.CA}, {tls.CERT} and {tls.KEY} instead"
    try:
        pika.URLParameters(with_options(url))
    except ValueError as error:
        text = str(error)
        # Other messages quote parts of the URL, and with it the password.
        return text if text.startswith(("Unknown URL parameter", "Invalid ")) else "something can't be parsed"
    return None


def _check_schemes(settings: Settings, urls: list[str]) -> None:
    """Raise SettingsError where files for TLS are named and a node is reached without it."""
    files = {tls.CA: settings.broker_ca_file, tls.CERT: settings.broker_cert_file, tls.KEY: settings.broker_key_file}
    named = [name for name, path in files.items() if path]
    if named and not all(url.startswith(TLS_SCHEME) for url in urls):
        raise SettingsError(f"BOOPER_BROKER_URL must name {TLS_SCHEME} alone where {named[0]} is set, got amqp://")
