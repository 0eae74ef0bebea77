"""Sets the metrics of this process to nothing, and shows what a scenario makes of them."""

import re

from prometheus_client import generate_latest

from runtime import metrics
from runtime.version import __version__

BOUND = re.compile('le="([^"]*)",?')
OF_THE_MACHINE = ("booper_database_connections_in_use{", "booper_sender_loop_lag_seconds")


def forget_metrics():
    """Nothing was counted so far, whatever other tests did."""
    for collector in set(metrics.REGISTRY._collector_to_names):
        for child in [collector, *getattr(collector, "_metrics", {}).values()]:
            for value in [
                getattr(child, "_value", None),
                getattr(child, "_sum", None),
                *getattr(child, "_buckets", ()),
            ]:
                if value is not None:
                    value.set(0)
    metrics.BUILD.labels(__version__).set(1)


def shown_metrics():
    """The page, a family after the other, its samples by their labels. Without what is zero and has labels, since other
    tests may have made it, and without buckets that hold no more than those before."""
    page = generate_latest(metrics.REGISTRY).decode().replace(f'"{__version__}"', '"VERSION"')
    families = page.split("# HELP ")[1:]
    return "".join(f"# HELP {shown_family(family)}\n" for family in families)


def shown_family(text):
    about, kind, *samples = text.rstrip("\n").split("\n")
    shown, before = [], None
    for line in sorted(filter(says_something, samples), key=place_of):
        same = BOUND.sub("", line) if "_bucket{" in line else None
        if same is None or same != before:
            shown.append(line)
        before = same
    return "\n".join([about, kind, *shown])


def place_of(line):
    """By name and labels; buckets by their bounds."""
    bound = BOUND.search(line)
    return BOUND.sub("", line).rpartition(" ")[0], float(bound[1]) if bound else 0.0


def says_something(line):
    return not line.startswith(OF_THE_MACHINE) and not ("{" in line and line.endswith(" 0.0"))
