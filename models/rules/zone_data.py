"""Takes the time zones from the package tzdata, whose version is locked, before those of the machine.

The machine's may be years older. Other data can still be named by PYTHONTZPATH.
"""

import os
import sysconfig
import zoneinfo

import tzdata


def prefer_package() -> None:
    """Let no zone be read from the folders of the machine, unless somebody named them."""
    usual = tuple((sysconfig.get_config_var("TZPATH") or "").split(os.pathsep))
    if zoneinfo.TZPATH in (usual, tuple(folder for folder in usual if os.path.isabs(folder))):
        zoneinfo.reset_tzpath(())


def source() -> str:
    """Where the time zones come from, and of which version they are."""
    if zoneinfo.TZPATH:
        return f"those of {', '.join(zoneinfo.TZPATH)} first, then {tzdata.IANA_VERSION} of the package tzdata"
    return f"{tzdata.IANA_VERSION} of the package tzdata"
