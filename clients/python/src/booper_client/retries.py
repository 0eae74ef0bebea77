"""Says whether a request is repeated, and how long to wait before."""

import random
from dataclasses import dataclass

REPEATED = (429, 502, 503, 504)


@dataclass(frozen=True)
class Retries:
    """How often a request is sent at most, and the waits between: seconds that double, with a random half.

    A `Retry-After` of the server is kept to. One that is longer than `max_seconds` ends the retries.
    """

    attempts: int = 4
    first_seconds: float = 0.5
    max_seconds: float = 30.0

    def seconds_before(self, attempt: int, retry_after: float | None) -> float | None:
        """The wait before attempt number `attempt` (the second is 2); None when there is to be none."""
        if attempt > self.attempts or (retry_after or 0) > self.max_seconds:
            return None
        doubled = min(self.first_seconds * 2 ** (attempt - 2), self.max_seconds)
        return max(doubled * (1 + random.random()) / 2, retry_after or 0)  # noqa: S311 - spreads clients
