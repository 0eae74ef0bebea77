"""Serves the page of lanes: what waits in each, pause and resume."""

from flask import Response

from api.dashboard import gate_pages
from api.dashboard.blueprint import pages, redirect_to, visitor
from models.flows import closing
from models.rules import clock
from models.rules.limits import LANE


@pages.get("/lanes")
def list_lanes() -> Response:
    return gate_pages.listed("lanes.html", LANE)


@pages.post("/lanes/pause")
def pause_lane() -> Response:
    return gate_pages.pause("lanes.html", LANE, gate_pages.known_key(LANE))


@pages.post("/lanes/resume")
def resume_lane() -> Response:
    """Let the next job of the lane begin, also when the lane has stopped at a discarded job."""
    closing.resume(visitor().account_id, LANE, gate_pages.known_key(LANE), clock.now())
    return redirect_to("list_lanes", "resumed", **gate_pages.kept_search())
