"""Reads the data of time zones, to tell names of one zone from names of different zones."""

import zoneinfo
from functools import lru_cache
from importlib import resources
from pathlib import Path

# Their data differs in the zone's abbreviation alone.
NAMES_OF_UTC = frozenset(
    f"{area}{name}"
    for area in ("", "Etc/")
    for name in ("UTC", "UCT", "Zulu", "Universal", "GMT", "GMT0", "GMT+0", "GMT-0", "Greenwich")
)


@lru_cache(maxsize=1024)
def data_of(name: str) -> bytes:
    """The same bytes for all names of one zone; the name itself if its data can't be read."""
    if name in NAMES_OF_UTC:
        return b"UTC"
    for folder in zoneinfo.TZPATH:
        path = Path(folder, name)
        if path.is_file():
            return path.read_bytes()
    try:
        return resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()
    except (ModuleNotFoundError, OSError):
        return name.encode()
