"""Checks the settings for what is allowed and yet seldom meant."""

import resource
from collections.abc import Iterator

from booper.doctor.finding import ERROR, NOTE, OK, WARNING, Finding, about
from models.rules.address_rules import parse_allow
from runtime.settings import DEMO_KEY, LOOPBACK, Settings
from workers.delivery.slots.open_files import IDLE_CONNECTIONS, SPARE

settings_are = about("settings")
WIDE_BITS = 8  # 10.0.0.0/8 is usual; a shorter prefix opens nearly everything


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
    if any(allowed.network.prefixlen < WIDE_BITS for allowed in parse_allow(settings.target_allow)):
        wide = f"BOOPER_TARGET_ALLOW={settings.target_allow} lets jobs reach nearly every address of your network"
        yield settings_are(WARNING, wide, "Name only the networks that jobs have to reach.")
    if not settings.embedded and not settings.public_urls:
        nameless = "BOOPER_PUBLIC_URLS is empty: a job could call this API by its public name and start other jobs"
        yield settings_are(NOTE, nameless, "Set it to the URLs by which others reach the API.")


def _files(settings: Settings) -> Iterator[Finding]:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    needed = settings.sender_slots + min(settings.sender_slots, IDLE_CONNECTIONS) + SPARE
    if hard != resource.RLIM_INFINITY and hard < needed:
        few = f"a process may open {hard} files; BOOPER_SENDER_SLOTS={settings.sender_slots} needs {needed}"
        yield settings_are(WARNING, few, f"Raise the limit (LimitNOFILE={needed} in systemd), or lower the setting.")
