"""Serves the pages of flows: limits and use of each, pause and resume."""

from collections.abc import Sequence
from typing import Any

from flask import Response, make_response, render_template, request
from marshmallow import ValidationError

from api.dashboard import gate_pages
from api.dashboard.blueprint import pages, redirect_to, visitor
from api.dashboard.query import number_or_text, problems_of
from api.requests.gate_fields import FlowLimits
from models.flows import closing, gates
from models.flows.gates import Gate
from models.rules import clock
from models.rules.clock import SECOND
from models.rules.limits import FLOW

LIMITS = {"rate": "rate", "per": "period", "concurrency": "at once"}


@pages.get("/flows")
def list_flows() -> Response:
    return gate_pages.listed("flows.html", FLOW)


@pages.get("/flows/one")
def show_flow() -> Response:
    """One flow: its limits, what waits, and the last hour."""
    gate = gate_pages.known_gate(FLOW)
    texts = {
        "rate": gate.rate or "",
        "per": f"{gate.per_us // SECOND}s" if gate.per_us else "",
        "concurrency": gate.concurrency,
    }
    return _flow_page(gate, texts)


@pages.post("/flows/limits")
def set_flow_limits() -> Response:
    """Set the limits of a flow for good; an empty field takes its limit away."""
    gate = gate_pages.known_gate(FLOW)
    texts = {name: request.form.get(name, "").strip() for name in LIMITS}
    try:
        limits = FlowLimits().load({name: number_or_text(text) for name, text in texts.items() if text})
    except ValidationError as error:
        return _flow_page(gate, texts, problems_of(error, LIMITS))
    gates.set_limits(gate, limits, True, clock.now())
    return redirect_to("show_flow", "saved", key=gate.key)


@pages.post("/flows/reset")
def reset_flow() -> Response:
    """Forget the starts that the rate has counted."""
    key = gate_pages.known_key(FLOW)
    closing.reset(visitor().account_id, FLOW, key, clock.now())
    return redirect_to("show_flow", "reset", key=key)


@pages.post("/flows/pause")
def pause_flow() -> Response:
    return gate_pages.pause("flows.html", FLOW, gate_pages.known_key(FLOW))


@pages.post("/flows/resume")
def resume_flow() -> Response:
    closing.resume(visitor().account_id, FLOW, gate_pages.known_key(FLOW), clock.now())
    return redirect_to("list_flows", "resumed", **gate_pages.kept_search())


def _flow_page(gate: Gate, texts: dict[str, Any], problems: Sequence[str] = ()) -> Response:
    (row,) = gate_pages.rows_of([gate], clock.now())
    text = render_template("flow.html", row=row, gate=gate, texts=texts, problems=problems)
    return make_response(text, 422 if problems else 200)
