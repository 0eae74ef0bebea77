"""Sends requests again where that helps, and reads what came back."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from booper_client._sync.transport import Transport, sleep
from booper_client.decoding import decode
from booper_client.errors import ConnectionFailedError, error_of
from booper_client.models.model import Model
from booper_client.models.pages import Page
from booper_client.requests_out import Answer, Request
from booper_client.retries import REPEATED, Retries

M = TypeVar("M", bound=Model)
PAGE_ROWS = 100


class Sender:
    """Every request of a client goes through here."""

    def __init__(self, transport: Transport, retries: Retries) -> None:
        self._transport = transport
        self._retries = retries

    def send(self, request: Request) -> Answer:
        """The answer, which is a success; else the error that it means."""
        attempt = 1
        while True:
            answer, failure = self._try(request)
            if answer is not None and answer.status not in REPEATED:
                return _checked(answer, request, attempt)
            wait = self._retries.seconds_before(attempt + 1, answer.retry_after() if answer else None)
            if wait is None:
                if answer is None:
                    raise failure or ConnectionFailedError("no answer")
                return _checked(answer, request, attempt)
            self.sleep(wait)
            attempt += 1

    def _try(self, request: Request) -> tuple[Answer | None, ConnectionFailedError | None]:
        try:
            return self._transport.send(request), None
        except ConnectionFailedError as error:
            return None, error

    def data(self, request: Request) -> Any:
        """What stands in `data` of the answer."""
        answer = self.send(request)
        document = answer.json()
        return document["data"] if isinstance(document, dict) and "data" in document else document

    def fetch(self, model: type[M], request: Request) -> M:
        return decode(model, self.data(request))

    def fetch_all(self, model: type[M], request: Request) -> list[M]:
        return [decode(model, item) for item in self.data(request)]

    def page(self, model: type[M], path: str, parameters: Mapping[str, Any]) -> Page[M]:
        answer = self.send(Request("GET", path, parameters))
        document = answer.json()
        items = document.get("data") if isinstance(document, dict) else None
        if not isinstance(items, list):
            raise error_of(answer.status, document, None)
        return Page([decode(model, item) for item in items], answer.headers.get("booper-next-cursor"))

    def every(self, model: type[M], path: str, parameters: Mapping[str, Any]) -> Iterator[M]:
        """The rows of every page, by cursor; a page is fetched once its first row is wanted."""
        following: Mapping[str, Any] = {"limit": PAGE_ROWS, **parameters}
        while True:
            page = self.page(model, path, following)
            for item in page:
                yield item
            if page.next_cursor is None:
                return
            following = {**following, "cursor": page.next_cursor}

    def every_by_offset(self, model: type[M], path: str, parameters: Mapping[str, Any]) -> Iterator[M]:
        """The same for lists that have no cursor."""
        following: dict[str, Any] = {"limit": PAGE_ROWS, "offset": 0, **parameters}
        while True:
            page = self.page(model, path, following)
            for item in page:
                yield item
            if len(page) < following["limit"]:
                return
            following["offset"] += len(page)

    def sleep(self, seconds: float) -> None:
        sleep(seconds)

    def close(self) -> None:
        self._transport.close()


def _checked(answer: Answer, request: Request, attempt: int) -> Answer:
    if answer.status < 300:
        return answer
    if answer.status == 404 and request.method == "DELETE" and attempt > 1:
        return Answer(204, answer.headers, b"")  # an attempt whose answer was lost has deleted it
    raise error_of(answer.status, answer.json(), answer.retry_after(), request.path)
