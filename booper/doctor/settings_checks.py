"""Checks the settings for what is allowed and yet seldom meant."""

import ipaddress
import resource
from collections.abc import Iterator

from booper.doctor.finding import ERROR, NOTE, OK, WARNING, Finding, about
from runtime.settings import DEMO_KEY, LOOPBACK, Settings
from workers.delivery.open_files import IDLE_CONNECTIONS, SPARE

settings_are = about("settings")


def check_settings(settings: Settings) -> Iterator[Finding]:
    problems = [*_hold(settings), *_openness(settings), *_files(settings)]
    yield from problems or [
        settings_are(OK, f"{'embedded' if settings.embedded else 'production'} mode, nothing unusual")
    ]


def _hold(settings: Settings) -> Iterator[Finding]:
    if settings.hold:
        yield settings_are(WARNING, "BOOPER_HOLD is on: nothing is sent", "Set it off and restart when jobs may go.")


def _openness(settings: Settings) -> Iterator[Finding]:
    if settings.demo_key == DEMO_KEY and settings.host not in LOOPBACK:
        others = f"the demo key, which everybody knows, opens the API at {settings.host}"
        yield settings_are(ERROR, others, "Set BOOPER_DEMO_KEY=off; make a key with `booper keys create`.")
    if any(_is_wide(network) for network in settings.target_allow.replace(" ", "").split(",") if network):
        wide = f"BOOPER_TARGET_ALLOW={settings.target_allow} lets jobs reach nearly every address of your network"
        yield settings_are(WARNING, wide, "Name only the networks that jobs have to reach.")
    if not settings.embedded and not settings.public_urls:
        nameless = "BOOPER_PUBLIC_URLS is empty: a job could call this API by its public name and start other jobs"
        yield settings_are(NOTE, nameless, "Set it to the URLs by which others reach the API.")


def _is_wide(network: str) -> bool:
    """Whether an entry of BOOPER_TARGET_ALLOW covers more than 2^24 addresses."""
    address = network if network.count(":") < 2 and network.count("/") == 1 else ""
    bare = address.partition(":")[0]
    return bool(bare) and ipaddress.ip_network(bare, strict=False).prefixlen < 8


def _files(settings: Settings) -> Iterator[Finding]:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    needed = settings.sender_slots + min(settings.sender_slots, IDLE_CONNECTIONS) + SPARE
    if hard != resource.RLIM_INFINITY and hard < needed:
        few = f"a process may open {hard} files; BOOPER_SENDER_SLOTS={settings.sender_slots} needs {needed}"
        yield settings_are(WARNING, few, f"Raise the limit (LimitNOFILE={needed} in systemd), or lower the setting.")
