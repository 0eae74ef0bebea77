"""Hands the request of an attempt over to a listener, a developer's machine that fetches it from the API.

No slot is held meanwhile, and no connection. From then on the row of the request stands for the attempt, as a worker
does elsewhere; the ticker records what comes of it (`workers/ticker/listener_results.py`).
"""

from models.jobs.job_json import compact
from models.jobs.lifecycle import ClaimedJob
from models.operations.listening import open_requests
from models.operations.listening.open_requests import MAX_OPEN, Handed
from models.rules import clock
from models.rules.listener_urls import split_listener_url
from workers.delivery.attempt_records import Result
from workers.delivery.config_cache import ConfigCache
from workers.delivery.last_look import withdraw_cancelled
from workers.delivery.listening.listener_record import record_and_count
from workers.transport.outcome import Timings, Unreachable
from workers.transport.wire_format import USER_AGENT, Request


def hand_over(job: ClaimedJob, request: Request, configs: ConfigCache) -> None:
    """Let the request wait for its listener. If that has too many, the attempt fails; if the job was cancelled since
    its claim, nothing was attempted."""
    name, path = split_listener_url(request.url)
    now = clock.now()
    if not open_requests.has_room(job.account_id, name):
        full = Unreachable("listener_full", f"{MAX_OPEN} requests of this listener are unanswered", Timings())
        record_and_count([Result(job, request, full, now)], configs)
        return
    sent = {"method": request.method, "url": request.url, "path": path, "headers": sent_headers(request)}
    if not open_requests.hand_over([Handed(job, name, compact(sent), request.body)], now):
        withdraw_cancelled([job])


def sent_headers(request: Request) -> dict[str, str]:
    """The headers of the request, with the one that the transport would add. The listener adds those that belong to its
    connection."""
    has_agent = any(name.lower() == "user-agent" for name in request.headers)
    return request.headers if has_agent else {**request.headers, "User-Agent": USER_AGENT}
