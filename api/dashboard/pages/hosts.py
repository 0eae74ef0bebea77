"""Serves the page of hosts: how each did in the last hour, and which are paused, rest or fail; and the forms that pause
and resume hosts and the whole account.
"""

from typing import Any

from flask import Response, request
from marshmallow import ValidationError

from api.dashboard import gate_pages
from api.dashboard.blueprint import pages, redirect_to, visitor
from api.dashboard.timelines import host_table
from api.requests.job_filters import read_host
from models.flows import closing
from models.rules import clock
from models.rules.limits import ACCOUNT, HOST


@pages.get("/hosts")
def list_hosts() -> Response:
    if request.args.get("show") == "failing":
        return gate_pages.listed("hosts.html", HOST, only_failing=True)
    return gate_pages.listed("hosts.html", HOST, **last_hour())


@pages.post("/hosts/pause")
def pause_host() -> Response:
    """Pause a host, also one that was never held back before."""
    try:
        host = read_host(request.form.get("key", "").strip())
    except (ValueError, ValidationError):
        problem = "host must be a name or an address, such as api.example.com"
        return gate_pages.listed("hosts.html", HOST, (problem,), **last_hour())
    return gate_pages.pause("hosts.html", HOST, host, last_hour)


@pages.post("/hosts/resume")
def resume_host() -> Response:
    """Send to a host again, whether it was paused, rests or failed."""
    closing.reopen(visitor().account_id, gate_pages.known_key(HOST), clock.now())
    return redirect_to("list_hosts", "resumed", **gate_pages.kept_search())


@pages.post("/pause")
def pause_account() -> Response:
    return gate_pages.pause("hosts.html", ACCOUNT, "", last_hour)


@pages.post("/resume")
def resume_account() -> Response:
    closing.resume(visitor().account_id, ACCOUNT, "", clock.now())
    return redirect_to("list_hosts", "resumed")


def last_hour() -> dict[str, Any]:
    """The table of how hosts did, of those that the search of the list names."""
    text = request.values.get("text", "").strip().lower()
    table = host_table.of_last_hour(visitor().account_id, clock.now(), lambda host: text in host)
    return {"hosts": table.lines, "hosts_left_out": table.left_out, "is_sample": table.is_sample}
