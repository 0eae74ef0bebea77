"""What an order may say of the gates that its job has to pass: names and limits, as values."""

from typing import NamedTuple

FLOW, LANE, HOST, ACCOUNT = "flow", "lane", "host", "account"
GATES = (FLOW, LANE, HOST, ACCOUNT)  # the kinds of gates


class Limits(NamedTuple):
    """The limits of a gate. `rate` belongs to `per_us`; None: no such limit. `stops`: 1 for a lane that stops when one
    of its jobs is discarded."""

    rate: int | None = None
    per_us: int | None = None
    concurrency: int | None = None
    stops: int = 0


class GateName(NamedTuple):
    """A gate of an account, by its kind and key. `limits` None: the order joins it and changes nothing."""

    kind: str
    key: str
    limits: Limits | None = None
