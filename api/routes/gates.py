"""Does what flows, lanes, hosts and the account have in common: find a gate, list it, show it."""

from typing import Any

from flask import Response

from api.auth import caller
from api.requests.gate_fields import PauseFields
from api.requests.paging import page_response
from api.requests.reading.body import load_optional
from api.responses import schemas, serializers
from api.responses.gates import shape
from api.responses.responses import or_not_found, respond
from models.flows import gate_lists, gates
from models.flows.gates import Gate
from models.jobs.job_json import compact
from models.rules import clock

PAUSE_BODY = schemas.body_of(PauseFields, required=False)


def pause_fields() -> dict[str, Any]:
    """What the request says of a pause; without a body it has no end and no reason."""
    return load_optional(PauseFields())


def known(kind: str, key: str) -> Gate:
    """The caller's gate of this kind and key, or 404."""
    return or_not_found(gates.find(caller().account_id, kind, key))


def page_of(kind: str, query: dict[str, Any]) -> Response:
    """The response that lists the caller's gates of a kind."""
    page, now = query["page"], clock.now()
    rows, end = gate_lists.listed(caller().account_id, kind, query.get("text"), page)
    usages = gate_lists.usages(rows, now)
    texts = [compact(shape(gate, usages[gate.id], now)) for gate in rows]
    return page_response(serializers.data_list(texts), page.order, end)


def shown(gate: Gate) -> Response:
    """The response that shows a gate."""
    now = clock.now()
    return respond({"data": shape(gate, gate_lists.usages([gate], now)[gate.id], now)})
