"""Sends requests by the library httpx."""

from __future__ import annotations

import asyncio

from booper_client.errors import ConnectionFailedError
from booper_client.requests_out import Answer, Request
from booper_client.transports import Connection

try:
    import httpx
except ImportError as error:
    raise ImportError("AsyncClient needs httpx: pip install 'booper-client[async]'") from error

sleep = asyncio.sleep


class Transport:
    """One session, which keeps its connections open. Follows no redirects: they would lose a POST."""

    def __init__(self, connection: Connection, session: httpx.AsyncClient | None = None) -> None:
        self._connection = connection
        self._session = session or httpx.AsyncClient()

    async def send(self, request: Request) -> Answer:
        """The answer to one attempt; ConnectionFailedError if none came."""
        try:
            answer = await self._session.request(
                request.method,
                self._connection.address(request.path),
                params=request.query(),
                content=request.content(),
                headers=self._connection.headers() | request.headers(),
                auth=_keep_headers,
                timeout=self._connection.timeout,
                follow_redirects=False,
            )
        except httpx.HTTPError as error:
            raise ConnectionFailedError(f"{self._connection.url} gave no answer: {error}") from error
        return Answer(answer.status_code, dict(answer.headers), answer.content)

    async def close(self) -> None:
        await self._session.aclose()


def _keep_headers(request: httpx.Request) -> httpx.Request:
    """httpx would put a password of ~/.netrc in the place of the key."""
    return request
