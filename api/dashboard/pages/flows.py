"""Serves the pages of flows and of lanes: limits and use of each, pause and resume."""

from flask import Response

from api.dashboard import gate_pages
from api.dashboard.blueprint import pages, redirect_to, visitor
from models.flows import closing
from models.rules import clock
from models.rules.limits import FLOW, LANE


@pages.get("/flows")
def list_flows() -> Response:
    return gate_pages.listed("flows.html", FLOW)


@pages.get("/lanes")
def list_lanes() -> Response:
    return gate_pages.listed("lanes.html", LANE)


@pages.post("/flows/pause")
def pause_flow() -> Response:
    return gate_pages.pause("flows.html", FLOW, gate_pages.known_key(FLOW))


@pages.post("/lanes/pause")
def pause_lane() -> Response:
    return gate_pages.pause("lanes.html", LANE, gate_pages.known_key(LANE))


@pages.post("/flows/resume")
def resume_flow() -> Response:
    closing.resume(visitor().account_id, FLOW, gate_pages.known_key(FLOW), clock.now())
    return redirect_to("list_flows", "resumed", **gate_pages.kept_text())


@pages.post("/lanes/resume")
def resume_lane() -> Response:
    """Let the next job of the lane begin, also when the lane has stopped at a discarded job."""
    closing.resume(visitor().account_id, LANE, gate_pages.known_key(LANE), clock.now())
    return redirect_to("list_lanes", "resumed", **gate_pages.kept_text())
