"""A transport of the Python client that answers from a script, for both clients: no server, no socket, no wait."""

import asyncio
import json

from booper_client import Retries
from booper_client._async.sender import Sender as AsyncSender
from booper_client._sync.sender import Sender
from booper_client.requests_out import Answer
from tests.support.both_clients import Awaited


class Script:
    """Answers requests one after another: an Answer, or an exception that is raised. `requests`: what came, and
    `queries`: what each asked then. `waits`: the seconds that were waited before each repetition."""

    def __init__(self, *answers):
        self.requests, self.queries, self.waits = [], [], []
        self._answers = list(answers)

    def send(self, request):
        self.requests.append(request)
        self.queries.append(request.query())
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def sleep(self, seconds):
        self.waits.append(seconds)


class _Awaitable:
    """The same for the client of coroutines."""

    def __init__(self, script):
        self._script = script

    async def send(self, request):
        return self._script.send(request)

    async def sleep(self, seconds):
        self._script.sleep(seconds)


def sender_of(kind, script, retries=None):
    """What every request of a client of this kind goes through; the script stands for the server."""
    made = {"sync": Sender, "async": AsyncSender}[kind]
    transport = script if kind == "sync" else _Awaitable(script)
    sender = made(transport, retries or Retries())
    sender.sleep = transport.sleep
    return sender if kind == "sync" else Awaited(sender, asyncio.new_event_loop())


def success(rows, cursor=None):
    """A page of a list."""
    headers = {} if cursor is None else {"booper-next-cursor": cursor}
    return Answer(200, headers, json.dumps({"data": rows}).encode())


def problem(status, retry_after=None):
    """An error as Booper writes it."""
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    error = {"status": status, "code": "a_code", "message": "A message.", "errors": {}, "request_id": "r"}
    return Answer(status, headers, json.dumps({"error": error}).encode())
