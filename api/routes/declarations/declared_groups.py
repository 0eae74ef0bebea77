"""Groups of targets in a file, by their names."""

from typing import Any

from api.auth import caller
from api.requests.ids import new_name_in_path
from api.requests.options.group import A_GROUP
from api.routes.declarations.declared import Declared, Kind
from api.routes.targets.groups import GroupFields
from models.accounts import target_groups
from models.accounts.target_groups import Target

group_fields = GroupFields()


def _declared(targets: list[Target]) -> Declared:
    return Declared(targets, {"targets": [target._asdict() for target in targets]})


def present(name: str) -> Declared | None:
    group = target_groups.find(caller().account_id, name)
    return _declared(group.targets) if group else None


def read(name: str, sent: dict[str, Any], _: Declared | None) -> Declared:
    new_name_in_path(name, A_GROUP)
    return _declared(group_fields.load(sent)["targets"])


KIND = Kind(present, read)
