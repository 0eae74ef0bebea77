"""What may go wrong: one class for each kind of error that a caller may want to catch."""

from collections.abc import Mapping
from typing import Any


class BooperError(Exception):
    """Anything that this package raises."""


class ConnectionFailedError(BooperError):
    """No answer came, although the request was repeated: the message says why."""


class UnreadableAnswerError(BooperError):
    """An answer came that Booper did not write, such as a page of a proxy."""


class SignatureError(BooperError):
    """A request is not signed with this secret, or was signed too long ago."""


class ApiError(BooperError):
    """Booper refused a request.

    `status`: of HTTP. `code`: a word that does not change. `errors`: what is wrong, by the path of the field.
    `request_id`: what the server's log calls this request. `retry_after`: seconds, where the server names them.
    `path`: what was asked for, below `/api`; None of an item in a list.
    """

    def __init__(self, problem: Mapping[str, Any], retry_after: float | None = None, path: str | None = None) -> None:
        self.status: int = problem["status"]
        self.code: str = problem["code"]
        self.message: str = problem["message"]
        self.errors: dict[str, list[str]] = problem.get("errors") or {}
        self.request_id: str | None = problem.get("request_id")
        self.retry_after = retry_after
        self.path = path
        super().__init__(self.text())

    def text(self) -> str:
        """The message, and a line for each field that is wrong."""
        lines = [f"{field or 'request'}: {text}" for field, texts in self.errors.items() for text in texts]
        return "\n".join([self.message, *lines])


class UnauthenticatedError(ApiError):
    """401: no key, or one that is unknown or revoked."""


class NotFoundError(ApiError):
    """404: there is nothing that this key may see."""


class ConflictError(ApiError):
    """409: what exists already does not allow it."""


class InvalidRequestError(ApiError):
    """400, 413, 415 or 422: the request itself is wrong; see `errors`."""


class ServerError(ApiError):
    """5xx: an error in Booper or in what stands before it."""


class UnavailableError(ServerError):
    """503: try again later."""


KINDS: dict[int, type[ApiError]] = {
    **dict.fromkeys((400, 413, 415, 422), InvalidRequestError),
    401: UnauthenticatedError,
    404: NotFoundError,
    409: ConflictError,
    503: UnavailableError,
}


def refusal(item: Mapping[str, Any]) -> ApiError:
    """The error of one item in a list of results."""
    error = error_of(item["error"]["status"], item, None)
    if not isinstance(error, ApiError):
        raise error
    return error


def error_of(status: int, document: Any, retry_after: float | None, path: str | None = None) -> BooperError:
    """The error that an answer means. `document`: its JSON, or None where it has none. `path`: what was asked for."""
    problem = document.get("error") if isinstance(document, dict) else None
    if not isinstance(problem, dict) or not {"status", "code", "message"} <= problem.keys():
        return UnreadableAnswerError(
            f"the answer is no answer of Booper (status {status}): does the URL lead to its API, or to a proxy?"
        )
    return KINDS.get(status, ServerError if status >= 500 else ApiError)(problem, retry_after, path)
