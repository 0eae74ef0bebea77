"""Serves the page of hosts that are paused, rest or fail, and the forms that pause and resume the whole account."""

from flask import Response, request

from api.dashboard import gate_pages
from api.dashboard.blueprint import pages, redirect_to, visitor
from api.requests.flow_fields import A_GATE_KEY, is_gate_key
from models.flows import closing
from models.rules import clock
from models.rules.limits import ACCOUNT, HOST


@pages.get("/hosts")
def list_hosts() -> Response:
    return gate_pages.listed("hosts.html", HOST)


@pages.post("/hosts/pause")
def pause_host() -> Response:
    """Pause a host, also one that was never held back before."""
    host = request.form.get("key", "").strip().lower()
    if not is_gate_key(host):
        return gate_pages.listed("hosts.html", HOST, (f"host must be {A_GATE_KEY}",))
    return gate_pages.pause("hosts.html", HOST, host)


@pages.post("/hosts/resume")
def resume_host() -> Response:
    """Send to a host again, whether it was paused, rests or failed."""
    host, account_id, now = gate_pages.known_key(HOST), visitor().account_id, clock.now()
    closing.reset(account_id, HOST, host, now)
    closing.resume(account_id, HOST, host, now)
    return redirect_to("list_hosts", "resumed", **gate_pages.kept_text())


@pages.post("/pause")
def pause_account() -> Response:
    return gate_pages.pause("hosts.html", ACCOUNT, "")


@pages.post("/resume")
def resume_account() -> Response:
    closing.resume(visitor().account_id, ACCOUNT, "", clock.now())
    return redirect_to("list_hosts", "resumed")
