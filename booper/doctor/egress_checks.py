"""Checks the way out: names are looked up and requests sent as those of jobs are."""

import threading
from collections.abc import Iterator, Sequence

from booper.doctor.finding import ERROR, NOTE, OK, WARNING, Finding, about
from models.database import schema
from models.database.connection import connection
from models.operations.database_figures import recent_hosts
from runtime.settings import Settings
from workers.delivery.address_policy import address_policy
from workers.transport.client import Ended, Transport
from workers.transport.lookups import system_lookup
from workers.transport.outcome import Answered, Outcome, Refused, Timings
from workers.transport.wire_format import Request

egress_is, names_are = about("egress"), about("names")
TIMEOUT_MS = 5_000
NAMES = 3
HTTPS = 443


def check_names() -> Iterator[Finding]:
    """Looks up the hosts of the latest jobs."""
    with connection():
        hosts = [] if schema.lacking() else recent_hosts(NAMES)
    if not hosts:
        yield names_are(NOTE, "no job names a host yet", "Give a URL that jobs will go to with --target URL.")
    for host in hosts:
        try:
            addresses = system_lookup(host, HTTPS)
            yield names_are(OK, f"{host} is {', '.join(addresses[:3])}")
        except (OSError, UnicodeError) as error:
            text = f"{host} can't be looked up: {error}"
            yield names_are(WARNING, text, "If no name can be: look at /etc/resolv.conf and the firewall (port 53).")


def check_egress(settings: Settings, targets: Sequence[str]) -> Iterator[Finding]:
    """Sends HEAD to each target, through the same rules as a job's request."""
    if not targets:
        yield egress_is(
            NOTE, "no request was sent", "Name a target of your jobs with --target URL to try the way to it."
        )
        return
    for url, outcome in _send(settings, targets).items():
        yield _finding(url, outcome)


def _send(settings: Settings, urls: Sequence[str]) -> dict[str, Outcome]:
    ended: dict[str, Outcome] = {}
    all_ended = threading.Event()

    def take(some: list[Ended]) -> None:
        ended.update(some)
        if len(ended) == len(set(urls)):
            all_ended.set()

    transport = Transport(address_policy(settings))
    transport.start(take)
    try:
        transport.submit((url, Request("HEAD", url, {}, None, TIMEOUT_MS)) for url in dict.fromkeys(urls))
        all_ended.wait(2 * TIMEOUT_MS / 1000)
    finally:
        transport.close()
    return ended


def _finding(url: str, outcome: Outcome) -> Finding:
    if isinstance(outcome, Answered):
        return egress_is(OK, f"{url} answered {outcome.status_code} ({_phases(outcome.timings)})")
    if isinstance(outcome, Refused):
        advice = "If jobs shall reach it, add its network to BOOPER_TARGET_ALLOW (and http needs BOOPER_ALLOW_HTTP=on)."
        return egress_is(ERROR, f"Booper sends nothing to {url}: {outcome.reason} ({outcome.detail})", advice)
    by_reason = {
        "dns": "Look at /etc/resolv.conf and the firewall (port 53).",
        "tls": "Look at its certificate: `openssl s_client -connect HOST:443`.",
    }
    text = f"no answer from {url}: {outcome.reason} ({outcome.detail})"
    return egress_is(ERROR, text, by_reason.get(outcome.reason, "Look at the firewall of this host and at the target."))


def _phases(timings: Timings) -> str:
    phases = (
        ("lookup", timings.dns_ms),
        ("connect", timings.connect_ms),
        ("TLS", timings.tls_ms),
        ("all", timings.total_ms),
    )
    return ", ".join(f"{name} {ms:.0f} ms" for name, ms in phases if ms is not None)
