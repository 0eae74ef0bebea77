"""Hands commands that ask a running server to booper_client; it is imported for them and for `--help` alone."""

import os
from collections.abc import Mapping, Sequence

MISSING = "`booper {}` needs the client: pip install './clients/python[cli]'"


def is_for_client(words: Sequence[str], of_server: Mapping[str, object]) -> bool:
    """Whether a command line is for the client: any command that is not of the server, and completion."""
    is_command = bool(words) and not words[0].startswith("-")
    return "_BOOPER_COMPLETE" in os.environ or (is_command and words[0] not in of_server)


def run(words: Sequence[str], of_server: Mapping[str, str]) -> int:
    """Run a command of the client; the exit code."""
    try:
        from booper_client.cli import main
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("booper_client", "click"):
            raise
        raise SystemExit(MISSING.format(words[0] if words else "completion")) from None
    return main.run(words, "booper", of_server)


def listed() -> str:
    """The commands of the client, as `booper --help` shows them; empty where it is not installed."""
    try:
        from booper_client.cli.catalog import COMMANDS
    except ImportError:
        return ""
    lines = [f"  {name:<20}{about}" for name, about in COMMANDS.items()]
    return "\n".join(["", "commands that ask a running server (docs/clients.md):", *lines, ""])
