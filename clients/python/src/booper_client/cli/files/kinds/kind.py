"""What is the same for every kind that a file declares."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from booper_client import ApiError, Client, ConflictError
from booper_client.models.declarations import DeclarationVerdict

Named = dict[str, dict[str, Any]]  # the fields of each by its name
Declarations = dict[str, Named]  # by the kind
AT_ONCE = 100


@dataclass(frozen=True)
class Verdict:
    """What becomes of one declaration. `change`: `create`, `change` or `none`. `before` and `after`: its fields, as
    they are shown. `counts`: the account has one more then, as its limit counts them."""

    change: str
    after: Mapping[str, Any]
    before: Mapping[str, Any] | None = None
    id: str | None = None
    counts: bool = False


@dataclass(frozen=True)
class Reference:
    """A declaration names another one. `path`: of the field that does."""

    kind: str
    name: str
    path: str


class Kind:
    """One kind.

    `name`: the member of the file. `noun`: what one is called. `why_left_out`: why a file can't have some of them.
    """

    name: str
    noun: str
    why_left_out = "have the name of another"

    def verdicts(
        self, client: Client, declared: Declarations, new: Mapping[str, Collection[str]]
    ) -> list[Verdict | ApiError]:
        """What becomes of each of its declarations. `new`: what the file makes of other kinds."""
        items = [self.checked(name, fields, new) for name, fields in declared[self.name].items()]
        verdicts: list[DeclarationVerdict | ApiError] = []
        for start in range(0, len(items), AT_ONCE):
            verdicts += client.declarations.check(items[start : start + AT_ONCE])
        return [each if isinstance(each, ApiError) else _verdict(each) for each in verdicts]

    def checked(self, name: str, fields: dict[str, Any], _: Mapping[str, Collection[str]]) -> dict[str, Any]:
        """What the server is asked about a declaration."""
        return {"kind": self.name, "name": name, "fields": fields}

    def references(self, _: Mapping[str, Any]) -> Iterator[Reference]:
        """What a declaration names."""
        return iter(())

    def there(self, client: Client) -> dict[str, str | None]:
        """What there is: the id of each by its name, None where the kind has no ids."""
        raise NotImplementedError

    def rows(self, client: Client) -> list[tuple[str, str | None]]:
        """The same as pairs, the oldest first: where names are not unique, with those that have the name of another."""
        return list(self.there(client).items())

    def put(self, client: Client, name: str, fields: dict[str, Any], verdict: Verdict) -> None:
        """Make it, or give it exactly these fields."""
        raise NotImplementedError

    def made(self, client: Client, name: str, create: Callable[[], object]) -> str | None:
        """Create it; None, or the id of one that somebody else has made since it was looked for."""
        try:
            create()
        except ConflictError:
            id = self.there(client).get(name)
            if id is None:
                raise  # the account has as many as it may have
            return id
        return None

    def delete(self, client: Client, name: str, id: str | None) -> None:
        raise NotImplementedError

    def exported(self, client: Client) -> tuple[Named, int]:
        """What a file declares so that nothing changes, and how many can stand in no file."""
        raise NotImplementedError


def _verdict(of: DeclarationVerdict) -> Verdict:
    return Verdict(of.change, of.after, of.before, of.id, counts=of.change == "create")


def by_name(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The first of each name: a file can't tell the others from it."""
    return dict(reversed(pairs))
