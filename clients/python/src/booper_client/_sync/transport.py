"""Sends requests by the library requests."""

import time

import requests

from booper_client.errors import ConnectionFailedError
from booper_client.requests_out import Answer, Request
from booper_client.transports import Connection

sleep = time.sleep


class Transport:
    """One session, which keeps its connections open. Follows no redirects: they would lose a POST."""

    def __init__(self, connection: Connection, session: requests.Session | None = None) -> None:
        self._connection = connection
        self._session = session or requests.Session()

    def send(self, request: Request) -> Answer:
        """The answer to one attempt; ConnectionFailedError if none came."""
        try:
            answer = self._session.request(
                request.method,
                self._connection.address(request.path),
                params=request.query(),
                data=request.content(),
                headers=self._connection.headers() | request.headers(),
                auth=_keep_headers,
                timeout=self._connection.timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise ConnectionFailedError(f"{self._connection.url} gave no answer: {error}") from error
        return Answer(answer.status_code, {name.lower(): text for name, text in answer.headers.items()}, answer.content)

    def close(self) -> None:
        self._session.close()


def _keep_headers(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """requests would put a password of ~/.netrc in the place of the key."""
    return prepared
