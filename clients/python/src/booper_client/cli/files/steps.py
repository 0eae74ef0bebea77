"""What is to be done with one declaration of a file."""

from dataclasses import dataclass
from typing import Any

from booper_client.cli.files.kinds.kind import Kind, Verdict

Names = dict[str, set[str]]  # by the kind


@dataclass(frozen=True)
class Step:
    """What is to be done with a declaration. `sent`: its fields in the file. `is_duplicate`: it is not the first of its
    name, which is the one that a file means."""

    kind: Kind
    name: str
    change: str
    verdict: Verdict
    sent: dict[str, Any]
    is_duplicate: bool = False

    @property
    def title(self) -> str:
        duplicate = f" (duplicate {self.verdict.id})" if self.is_duplicate else ""
        return f"{self.kind.noun} {self.name}{duplicate}"
