"""The Python client of Booper: orders HTTP requests, schedules them, and says what came of them.

`Client` waits for its answers. `AsyncClient` (extra `async`) has the same methods as coroutines.
"""

from typing import TYPE_CHECKING, Any

from booper_client._sync.client import Client
from booper_client.errors import (
    ApiError,
    BooperError,
    ConflictError,
    ConnectionFailedError,
    InvalidRequestError,
    NotFoundError,
    ServerError,
    SignatureError,
    UnauthenticatedError,
    UnavailableError,
    UnreadableAnswerError,
)
from booper_client.fields import JobFields, JobFilters, ScheduleFields
from booper_client.models.jobs import Attempt, Job
from booper_client.models.pages import Page
from booper_client.models.schedules import Run, Schedule
from booper_client.retries import Retries
from booper_client.signatures import verify

if TYPE_CHECKING:
    from booper_client._async.client import AsyncClient

__version__ = "0.1.0"
__all__ = [
    "ApiError",
    "AsyncClient",
    "Attempt",
    "BooperError",
    "Client",
    "ConflictError",
    "ConnectionFailedError",
    "InvalidRequestError",
    "Job",
    "JobFields",
    "JobFilters",
    "NotFoundError",
    "Page",
    "Retries",
    "Run",
    "Schedule",
    "ScheduleFields",
    "ServerError",
    "SignatureError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnreadableAnswerError",
    "verify",
]


def __getattr__(name: str) -> Any:
    """`AsyncClient` needs httpx, which is an extra: it is imported once somebody asks for it."""
    if name == "AsyncClient":
        from booper_client._async.client import AsyncClient

        return AsyncClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
