"""What is to be done with one declaration of a file."""

from dataclasses import dataclass
from typing import Any

from booper_client.cli.files.kinds.kind import Kind, Verdict

Names = dict[str, dict[str, str | None]]  # by the kind: the id of each by its name


@dataclass(frozen=True)
class Step:
    """What is to be done with a declaration. `sent`: its fields in the file."""

    kind: Kind
    name: str
    change: str
    verdict: Verdict
    sent: dict[str, Any]

    @property
    def title(self) -> str:
        return f"{self.kind.noun} {self.name}"
