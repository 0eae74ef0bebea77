"""Holds what the pages of flows, lanes and hosts share: the rows of a list, and the forms that pause and resume."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from flask import Response, g, make_response, render_template, request
from marshmallow import ValidationError

from api.dashboard import charts
from api.dashboard.blueprint import is_part, pages, redirect_to, visitor
from api.dashboard.charts import Bar
from api.dashboard.errors import page_not_found
from api.dashboard.filters import time_of_day
from api.dashboard.query import filled_fields, problems_of
from api.dashboard.reader_times import ZONE, load
from api.dashboard.timelines.host_table import state_of
from api.requests.flow_fields import is_gate_key
from api.requests.gate_fields import GatesQuery, PauseFields
from api.requests.paging import cursor_of
from models.database.paging import NEWEST_FIRST
from models.flows import closing, gate_lists, gates, minutes
from models.flows.gate_lists import Usage
from models.flows.gates import FAR, Gate
from models.rules import clock
from models.rules.clock import MINUTE
from models.rules.limits import ACCOUNT, FLOW

SHOWN = 25
LISTS = {"flows.html": "list_flows", "lanes.html": "list_lanes", "hosts.html": "list_hosts"}
LABELS = {"text": "text in key", "until": "until", "reason": "reason"}


class GateRow(NamedTuple):
    """A line of a list: a gate, how it is used, and whether a pause or a rest holds it. `hour`: the starts of a flow in
    each minute of the last hour, as bars. `state`: of a host what the page says of it, and `look` the class of that."""

    gate: Gate
    usage: Usage
    is_paused: bool
    rests_until: int | None
    next_at: int | None
    hour: list[Bar]
    state: str
    look: str


def listed(template: str, kind: str, problems: tuple[str, ...] = (), **more: Any) -> Response:
    """The page that lists the visitor's gates of a kind. `problems`: what is wrong with the form that came, which is
    shown as it was filled in. `more`: for the template; with `only_failing` only gates whose latest requests failed
    are listed."""
    fields = filled_fields(("text", "cursor")) if request.method == "GET" else kept_search("text")
    try:
        query: dict[str, Any] = GatesQuery().load({**fields, "limit": str(SHOWN)})
    except ValidationError as error:
        return _page(template, [], fields, (*problems, *problems_of(error, LABELS)), None, more)
    rows, end = gate_lists.listed(
        visitor().account_id, kind, query.get("text"), query["page"], bool(more.get("only_failing"))
    )
    return _page(template, rows, fields, problems, end and cursor_of(NEWEST_FIRST, end), more)


def pause(template: str, kind: str, key: str, more: Callable[[], dict[str, Any]] = dict) -> Response:
    """Pause a gate as the form says; shows the list again, with what is wrong with the form if anything is. `more`: for
    the template of the list."""
    typed = {name: request.form.get(name, "").strip() for name in ("until", "reason", ZONE)}
    try:
        fields = load(PauseFields(), {name: text for name, text in typed.items() if text}, ("until",))
    except ValidationError as error:
        return listed(template, kind, tuple(problems_of(error, LABELS)), **more())
    account_id, now = visitor().account_id, clock.now()
    closing.pause(account_id, kind, key, **fields, now=now)
    return redirect_to(LISTS[template], "paused", **kept_search())


def known_gate(kind: str) -> Gate:
    """The gate whose key the form or the address names, or 404 when the visitor has no such gate."""
    key = request.values.get("key", "")
    gate = gates.find(visitor().account_id, kind, key) if is_gate_key(key) else None
    if gate is None:
        raise page_not_found()
    return gate


def known_key(kind: str) -> str:
    """The key that the form names, or 404 when the visitor has no such gate."""
    return known_gate(kind).key


def kept_search(*names: str) -> dict[str, str]:
    """The search that the list showed, so that it shows the same again; only these fields of it if any are named."""
    return {name: request.form[name] for name in names or ("text", "show") if request.form.get(name)}


@pages.before_request
def read_account_pause() -> None:
    """Read whether the visitor's account is paused, which every page says above its parts."""
    if "visitor" in g and not is_part():
        gate = gates.find(visitor().account_id, ACCOUNT, "")
        g.account_pause = gate if gate and gate.is_paused(clock.now()) else None


@pages.app_context_processor
def account_pause() -> dict[str, object]:
    return {"account_pause": g.get("account_pause")}


def rows_of(listed_gates: Sequence[Gate], now: int) -> list[GateRow]:
    """The line of each of the gates."""
    usages = gate_lists.usages(listed_gates, now)
    counts = minutes.last_hour([gate.id for gate in listed_gates if gate.kind == FLOW], now)
    return [_row(gate, usages[gate.id], _hour(counts.get(gate.id, ()), now), now) for gate in listed_gates]


def _hour(counts: Sequence[int], now: int) -> list[Bar]:
    """The bars of the minutes that end with the present one."""
    first = now // MINUTE - len(counts) + 1
    names = [time_of_day((first + number) * MINUTE) for number in range(len(counts))]
    titles = [f"{name} UTC: {count:,} started" for name, count in zip(names, counts, strict=True)]
    return charts.stacked_bars([{"started": count} for count in counts], titles)


def _row(gate: Gate, usage: Usage, hour: list[Bar], now: int) -> GateRow:
    rests_until = gate.rests_until if gate.rests_until and gate.rests_until > now else None
    next_at = None if usage.next_at == FAR else usage.next_at
    return GateRow(gate, usage, gate.is_paused(now), rests_until, next_at, hour, *state_of(gate, now))


def _page(
    template: str,
    rows: list[Gate],
    fields: dict[str, str],
    problems: tuple[str, ...],
    cursor: str | None,
    more: dict[str, Any],
) -> Response:
    text = render_template(
        template,
        rows=rows_of(rows, clock.now()),
        text=fields.get("text", ""),
        is_first="cursor" not in fields,
        next=cursor,
        problems=problems,
        refused=request.endpoint,
        typed=request.form,
        **more,
    )
    return make_response(text, 422 if problems else 200)
