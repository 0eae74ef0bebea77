"""Endpoints in a file, by their URLs. Of two with the same URL the older one counts."""

import json
from typing import Any

from api.auth import caller
from api.requests.reading.strict_schema import Strict
from api.routes.declarations.declared import Declared, Kind, check_name
from api.routes.endpoints import NewEndpoint
from models.webhooks import endpoints


class DeclaredEndpoint(NewEndpoint):
    """The fields beside the URL."""

    class Meta(Strict.Meta):
        exclude = ("url", "unique")


endpoint_fields = DeclaredEndpoint()
url_field = NewEndpoint().fields["url"]


def _declared(types: list[str] | None, enabled: bool, uuid: str | None = None) -> Declared:
    return Declared((types, enabled), {"types": types, "enabled": enabled}, uuid)


def present(name: str) -> Declared | None:
    row = next((each for each in endpoints.listed(caller().account_id) if each.url == name), None)
    return _declared(json.loads(row.types) if row.types else None, bool(row.enabled), row.uuid) if row else None


def read(name: str, sent: dict[str, Any], _: Declared | None) -> Declared:
    check_name(url_field, name)
    values = endpoint_fields.load(sent)
    return _declared(values.get("types"), values["enabled"])


KIND = Kind(present, read)
