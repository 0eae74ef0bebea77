"""Owns how waitress (embedded mode) answers what never becomes a request: broken request lines, bodies too large.

Its own answer is plain text; here it has the one shape of errors. Set as a server's `channel_class`.
"""

from waitress.channel import HTTPChannel
from waitress.task import ErrorTask

from api.responses.responses import HEADERS, ApiError, error_text, new_request_id


class JsonError(ErrorTask):
    """Answers `self.request.error`, which waitress found while it parsed."""

    def execute(self) -> None:
        refused = self.request.error
        named = new_request_id()
        error = ApiError(refused.code, f"The request must be valid HTTP within this server's limits: {refused.reason}.")
        body = error_text(error, named).encode("ascii")
        self.status = f"{refused.code} {refused.reason}"
        headers = {"Content-Type": "application/json", "X-Request-Id": named, **HEADERS}
        self.response_headers.extend(headers.items())
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Channel(HTTPChannel):
    """waitress's connection, with JSON for errors."""

    error_task_class = JsonError
