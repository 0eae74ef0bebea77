"""Looks at RabbitMQ for whoever operates it: whether it takes a message, and what its management plugin says.

Nothing here changes the queues of Booper.
"""

import base64
import contextlib
import http.client
import json
import uuid
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import pika
from dramatiq.common import dq_name, xq_name
from pika.adapters.utils.connection_workflow import AMQPConnectorException

from workers.queue.broker import CLUSTER_SEPARATOR, with_options

LIMITS = {"socket_timeout": 3, "stack_timeout": 4, "blocked_connection_timeout": 3}
MANAGEMENT_PORT, MANAGEMENT_LIMIT_S = 15672, 3.0


class Unusable(Exception):
    """RabbitMQ can't be used; the text says why, without a password."""


class QueueFacts(NamedTuple):
    """A queue of ours. `kind`: classic or quorum; `policy`: the name of the policy that holds for it, or nothing."""

    name: str
    kind: str
    policy: str
    ready: int
    mirrored: bool


class Facts(NamedTuple):
    """What the management plugin says. `alarms`: as `memory of rabbit@a`."""

    version: str
    nodes: int
    alarms: list[str]
    queues: list[QueueFacts]


def members(broker_url: str) -> list[str]:
    """The URLs of the nodes that BOOPER_BROKER_URL names."""
    return broker_url.split(CLUSTER_SEPARATOR)


def address_of(url: str) -> str:
    """Host and port, for people."""
    parameters = pika.URLParameters(with_options(url))
    return f"{parameters.host}:{parameters.port}"


def publish_once(url: str, prefix: str) -> None:
    """Send a message to a queue that ends with this connection. Raises Unusable when RabbitMQ does not take it."""
    parameters = pika.URLParameters(with_options(url))
    for name, value in LIMITS.items():
        setattr(parameters, name, value)
    try:
        with contextlib.closing(pika.BlockingConnection(parameters)) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            name = channel.queue_declare(f"{prefix}.doctor.{uuid.uuid4().hex}", exclusive=True).method.queue
            channel.basic_publish("", name, b"")
    except (pika.exceptions.AMQPError, AMQPConnectorException, OSError) as error:
        raise Unusable(_reason(error)) from None


def _reason(error: Exception) -> str:
    if isinstance(error, pika.exceptions.ConnectionBlockedTimeout):
        return "it blocks publishers: it has an alarm"
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) < 300 else f"{text[:300]}…"


def read_management(url: str, management: str | None, queue: str) -> Facts:
    """What the management plugin says of the nodes and of this queue, asked with the user of this URL. Raises Unusable
    without an answer."""
    parameters = pika.URLParameters(with_options(url))
    ask = _Management(management or f"http://{parameters.host}:{MANAGEMENT_PORT}", parameters.credentials)
    overview, nodes = ask.get("/api/overview"), ask.get("/api/nodes")
    vhost = quote(parameters.virtual_host, safe="")
    rows = [ask.get(f"/api/queues/{vhost}/{quote(name, safe='')}") for name in (queue, dq_name(queue), xq_name(queue))]
    alarms = [
        f"{what} of {node.get('name')}"
        for node in nodes or []
        for what, mark in (("memory", "mem_alarm"), ("disk", "disk_free_alarm"))
        if node.get(mark)
    ]
    version = str((overview or {}).get("rabbitmq_version", "unknown"))
    return Facts(version, len(nodes or []), alarms, [_queue(row) for row in rows if row])


def _queue(row: dict[str, Any]) -> QueueFacts:
    definition = row.get("effective_policy_definition") or {}
    mirrored = isinstance(definition, dict) and "ha-mode" in definition
    kind = str(row.get("type") or "classic")
    return QueueFacts(str(row.get("name")), kind, str(row.get("policy") or ""), int(row.get("messages") or 0), mirrored)


class _Management:
    """Asks the management plugin, with a limit for each answer."""

    def __init__(self, base: str, credentials: Any) -> None:
        parts = urlsplit(base)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._base, self._path = base, parts.path.rstrip("/")
        self._connect = lambda: kind(parts.hostname or "", parts.port, timeout=MANAGEMENT_LIMIT_S)
        pair = f"{credentials.username}:{credentials.password}".encode()
        self._headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    def get(self, path: str) -> Any:
        """The JSON of a path; None where there is nothing."""
        try:
            with contextlib.closing(self._connect()) as connection:
                connection.request("GET", self._path + path, headers=self._headers)
                answer = connection.getresponse()
                body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unusable(f"no answer from {self._base}: {_reason(error)}") from None
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise Unusable(f"{self._base} answers {answer.status}")
        try:
            return json.loads(body)
        except ValueError:
            raise Unusable(f"{self._base} answers no JSON") from None
