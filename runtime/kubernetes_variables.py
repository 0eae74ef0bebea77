"""Recognizes the variables that Kubernetes sets in every container for each Service, by their names and values.

A Service named `booper` or `booper-api` makes names that begin like those of settings. A value has to have its form
too: `BOOPER_PORT=8000` is a misspelled setting, `BOOPER_PORT=tcp://10.0.0.1:8000` is not.
"""

import ipaddress
import re
from collections.abc import Mapping

PROTOCOL = "(tcp|udp|sctp)"
URL = rf"{PROTOCOL}://\S+:\d+"
FORMS = (
    (r"_SERVICE_HOST", None),
    (r"_SERVICE_PORT(_[A-Z0-9_]+)?", r"\d+"),
    (r"_PORT", URL),
    (r"_PORT_\d+_(TCP|UDP|SCTP)", URL),
    (r"_PORT_\d+_(TCP|UDP|SCTP)_PROTO", PROTOCOL),
    (r"_PORT_\d+_(TCP|UDP|SCTP)_PORT", r"\d+"),
    (r"_PORT_\d+_(TCP|UDP|SCTP)_ADDR", None),
)


def without_kubernetes_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what Kubernetes set for a Service whose name begins with `booper`."""
    return {name: value for name, value in environ.items() if not is_of_kubernetes(name, value)}


def is_of_kubernetes(name: str, value: str) -> bool:
    return any(
        re.fullmatch(rf"BOOPER(_[A-Z0-9_]+)?{ending}", name)
        and (_is_address(value) if form is None else re.fullmatch(form, value))
        for ending, form in FORMS
    )


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True
