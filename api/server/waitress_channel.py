"""Makes waitress (embedded mode) answer a malformed request with our JSON: broken request lines, bodies too large.

waitress itself would answer with plain text. Set as the `channel_class` of a server.
"""

from waitress.channel import HTTPChannel
from waitress.task import ErrorTask

from api.responses.responses import HEADERS, ApiError, error_text, new_request_id


class JsonError(ErrorTask):
    """Answers `self.request.error`, which waitress set while parsing."""

    def execute(self) -> None:
        refused = self.request.error
        request_id = new_request_id()
        error = ApiError(refused.code, f"The request must be valid HTTP within this server's limits: {refused.reason}.")
        body = error_text(error, request_id).encode("ascii")
        self.status = f"{refused.code} {refused.reason}"
        headers = {"Content-Type": "application/json", "X-Request-Id": request_id, **HEADERS}
        self.response_headers.extend(headers.items())
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Channel(HTTPChannel):
    """A connection of waitress that answers errors with JSON."""

    error_task_class = JsonError
