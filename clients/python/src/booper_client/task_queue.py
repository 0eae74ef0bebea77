"""Takes the requests of schedules that call for a task of a queue, such as one of Celery: no beat is needed then."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from booper_client.errors import SignatureError
from booper_client.signatures import verify

OPTIONS = ("queue", "priority", "expires")


@dataclass(frozen=True)
class Task:
    """What a schedule calls for. `id`: the UUID of its job, the same each time the request is repeated."""

    id: str
    name: str
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)


class TaskReceiver:
    """Queues the task that a signed request names.

    `put`: queues it; what it raises lets Booper try again. `secrets`: of the account's signing keys. `allowed`: the
    names that may be queued; None for any.
    """

    def __init__(
        self, put: Callable[[Task], Any], secrets: Collection[str], allowed: Collection[str] | None = None
    ) -> None:
        if isinstance(secrets, str) or not secrets:
            raise ValueError("secrets must be a list with at least one secret of a signing key")
        self._put = put
        self._secrets = secrets
        self._allowed = allowed

    def receive(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """The status and the JSON to answer with."""
        try:
            document = self._verified(body, headers)
            task = _task(document, headers)
        except SignatureError as error:
            return 401, {"error": str(error)}
        except ValueError as error:
            return 422, {"error": str(error)}
        if self._allowed is not None and task.name not in self._allowed:
            return 422, {"error": f"{task.name} is not among the tasks that may be queued"}
        self._put(task)
        return 202, {"queued": task.id}

    def _verified(self, body: bytes, headers: Mapping[str, str]) -> Any:
        refusal = SignatureError("there is no secret")
        for secret in self._secrets:
            try:
                return verify(body, headers, secret)
            except SignatureError as error:
                refusal = error
        raise refusal


def celery(app: Any) -> Callable[[Task], Any]:
    """What queues a task of a Celery app; a request that is repeated queues it by the same id."""

    def put(task: Task) -> Any:
        return app.send_task(task.name, task.args, task.kwargs, task_id=task.id, **task.options)

    return put


def _task(document: Any, headers: Mapping[str, str]) -> Task:
    """The task of a verified request; a ValueError says what is wrong."""
    if not isinstance(document, dict):
        raise ValueError("the body must be an object with `task`, and `args`, `kwargs` and `options` where they are")
    args, kwargs, options = (document.get(name) or kind() for name, kind in MEMBERS.items())
    name = document.get("task")
    if not (isinstance(name, str) and name):
        raise ValueError(f"`task` must be the name of a task, got {name!r}")
    for member, value in zip(MEMBERS, (args, kwargs, options), strict=True):
        if not isinstance(value, MEMBERS[member]):
            raise ValueError(f"`{member}` must be a {MEMBERS[member].__name__}, got {value!r}")
    identifier = next(value for header, value in headers.items() if header.lower() == "webhook-id")
    return Task(identifier, name, args, kwargs, {key: options[key] for key in OPTIONS if key in options})


MEMBERS: dict[str, type] = {"args": list, "kwargs": dict, "options": dict}
