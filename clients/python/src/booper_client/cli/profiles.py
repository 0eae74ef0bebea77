"""Keeps URLs and keys of servers, in a file that only its owner may read."""

import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from booper_client.cli.failures import WRONG_USE, Refusal

DEFAULT = "default"


@dataclass(frozen=True)
class Profile:
    """Where a server is, and the key for it."""

    url: str
    key: str | None = field(repr=False)


def path() -> Path:
    return Path(click.get_app_dir("booper")) / "profiles.json"


def read() -> dict[str, Profile]:
    """All profiles by name."""
    try:
        document = json.loads(path().read_text())
        return {name: Profile(each["url"], each["key"]) for name, each in document.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refusal(f"{path()} is no file of profiles; delete it and log in again") from None


def write(profiles: dict[str, Profile]) -> None:
    """Replace the file as a whole; nobody but its owner may read it at any moment."""
    folder = path().parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    document = {name: {"url": each.url, "key": each.key} for name, each in sorted(profiles.items())}
    descriptor, name = tempfile.mkstemp(dir=folder)  # mkstemp makes it with mode 600
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file, indent=2)
    os.replace(name, path())


def chosen(name: str | None) -> Profile:
    """The server to ask: that of a named profile, else the environment's, else that of the profile `default`."""
    environ: dict[str, Any] = dict(os.environ)
    name = name or environ.get("BOOPER_PROFILE")
    if name:
        profiles = read()
        if name not in profiles:
            raise Refusal(f"there is no profile {name!r}; type `booper login --profile {name}`", WRONG_USE)
        return profiles[name]
    url, key = environ.get("BOOPER_URL"), environ.get("BOOPER_API_KEY")
    kept = read().get(DEFAULT) if not (url and key) else None
    if kept and (url is None or url == kept.url):
        return Profile(kept.url, key or kept.key)
    return Profile(url or "http://127.0.0.1:8000", key)
