"""Schedules in a file: the fields of each by its key. The server compares them by meaning."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from booper_client import ApiError, Client
from booper_client.cli.files.kinds.kind import Declarations, Kind, Named, Reference, Verdict

AT_ONCE = 200


class Schedules(Kind):
    name = "schedules"
    noun = "schedule"
    why_left_out = "have no key"

    def verdicts(
        self, client: Client, declared: Declarations, new: Mapping[str, Collection[str]]
    ) -> list[Verdict | ApiError]:
        """What becomes of each. What there is costs a page for each hundred, so it is read if something changes."""
        schedules = declared[self.name]
        items = [self.checked(key, fields, new) for key, fields in schedules.items()]
        verdicts: list[Any] = []
        for start in range(0, len(items), AT_ONCE):
            verdicts += client.schedules.check(items[start : start + AT_ONCE])
        pairs = zip(verdicts, schedules.values(), strict=True)
        compared = [each if isinstance(each, ApiError) else self._verdict(each, fields, new) for each, fields in pairs]
        before: Named = self.exported(client)[0] if any(_is_change(each) for each in compared) else {}
        return [
            replace(each, before=before.get(key)) if isinstance(each, Verdict) else each
            for key, each in zip(schedules, compared, strict=True)
        ]

    def _verdict(self, of: Any, fields: dict[str, Any], new: Mapping[str, Collection[str]]) -> Verdict:
        """A schedule that names a calendar that is still to be made can't be as it is declared."""
        lacks = any(each.name in new.get(each.kind, ()) for each in self.references(fields) if each.kind == "calendars")
        return Verdict("change" if lacks and of.change == "none" else of.change, fields, counts=of.counts)

    def checked(self, name: str, fields: dict[str, Any], new: Mapping[str, Collection[str]]) -> dict[str, Any]:
        """Calendars that the file makes are left out: the server would miss them."""
        exclude, made = fields.get("exclude"), new.get("calendars", ())
        if not isinstance(exclude, dict) or not isinstance(exclude.get("calendars"), list) or not made:
            return {**fields, "key": name}
        there = [each for each in exclude["calendars"] if each not in made]
        return {**fields, "key": name, "exclude": {**exclude, "calendars": there}}

    def references(self, fields: Mapping[str, Any]) -> Iterator[Reference]:
        if isinstance(group := fields.get("group"), str):
            yield Reference("groups", group, "group")
        exclude = fields.get("exclude")
        names = exclude.get("calendars") if isinstance(exclude, dict) else None
        for name in names if isinstance(names, list) else ():
            yield Reference("calendars", str(name), "exclude.calendars")

    def there(self, client: Client) -> dict[str, str | None]:
        return {each.key: None for each in client.schedules.list(expand="key") if each.key}

    def put(self, client: Client, name: str, fields: dict[str, Any], _: Verdict) -> None:
        client.schedules.put(name, **fields)

    def delete(self, client: Client, name: str, id: str | None) -> None:  # noqa: ARG002 - the key names it
        client.schedules.delete(name)

    def exported(self, client: Client) -> tuple[Named, int]:
        schedules = list(client.schedules.list(expand="key"))
        keyed: Named = {each.key: each.args for each in schedules if each.key}
        return keyed, len(schedules) - len(keyed)


def _is_change(verdict: Verdict | ApiError) -> bool:
    return isinstance(verdict, Verdict) and verdict.change == "change"
