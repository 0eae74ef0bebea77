"""Looks at RabbitMQ for whoever operates it: whether it takes a message, and what its management plugin says.

Nothing here changes the queues of Booper.
"""

import base64
import contextlib
import http.client
import json
import uuid
from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import pika
from dramatiq.common import dq_name, xq_name
from pika.adapters.utils.connection_workflow import AMQPConnectorException

from workers.queue.nodes import Node

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


def address_of(node: Node) -> str:
    """Host and port, for people."""
    return f"{node.host}:{node.port}"


def publish_once(node: Node, prefix: str) -> None:
    """Send a message to a queue that ends with this connection. Raises Unusable when RabbitMQ does not take it."""
    limited = copy(node)
    for name, value in LIMITS.items():
        setattr(limited, name, value)
    try:
        with contextlib.closing(pika.BlockingConnection(limited)) as connection:
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


def read_management(node: Node, management: str | None, queue: str) -> Facts:
    """What the management plugin says of the nodes and of this queue, asked with the user of this one. Raises Unusable
    without an answer."""
    ask = _Management(management or f"http://{node.host}:{MANAGEMENT_PORT}", node)
    overview, nodes = ask.get("/api/overview"), ask.get("/api/nodes")
    vhost = quote(node.virtual_host, safe="")
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
    """Asks the management plugin, with a limit for each answer. It trusts and shows the certificates of AMQP."""

    def __init__(self, base: str, node: Node) -> None:
        parts, user = urlsplit(base), node.credentials
        kind: Callable[..., http.client.HTTPConnection] = http.client.HTTPConnection
        if parts.scheme == "https":
            kind = partial(http.client.HTTPSConnection, context=node.ssl_options and node.ssl_options.context)
        self._base, self._path = base, parts.path.rstrip("/")
        self._connect = lambda: kind(parts.hostname or "", parts.port, timeout=MANAGEMENT_LIMIT_S)
        pair = f"{user.username}:{user.password}".encode()
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
