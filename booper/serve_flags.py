"""Declares the flags that stand for settings: those of `booper serve`, and --data. A flag wins over its variable."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from models.database.urls import SQLITE
from runtime.settings import SETTINGS, SettingsError

DATABASE, DEMO_KEY = "BOOPER_DATABASE_URL", "BOOPER_DEMO_KEY"
FILE = "booper.db"  # in the folder of --data
BY_NAME = {setting.name: setting for setting in SETTINGS}


class Flag(NamedTuple):
    """A flag that takes what its setting takes. An error quotes the text, so no setting that is secret has one."""

    flag: str
    setting: str
    metavar: str
    help: str


FLAGS = (
    Flag("--port", "PORT", "N", "the port to listen on (8000)"),
    Flag("--host", "BOOPER_HOST", "ADDRESS", "the address to listen on (127.0.0.1)"),
    Flag("--target-allow", "BOOPER_TARGET_ALLOW", "NETWORKS", "private networks that jobs may reach (loopback)"),
    Flag("--public-urls", "BOOPER_PUBLIC_URLS", "URLS", "the URLs by which others reach this server (none)"),
    Flag("--log-level", "BOOPER_LOG_LEVEL", "LEVEL", "DEBUG, INFO, WARNING or ERROR (INFO)"),
)


def add_to(parser: argparse.ArgumentParser) -> None:
    for flag in FLAGS:
        text = _text_for(flag.setting)
        parser.add_argument(flag.flag, dest=flag.setting, metavar=flag.metavar, help=flag.help, type=text)
    # A key of one's own does not belong on a command line, where every user of the machine can read it.
    known = "whether the well-known demo key opens the API (on)"
    parser.add_argument("--demo-key", dest=DEMO_KEY, choices=("on", "off"), help=known)
    parser.epilog = "`booper config` lists every other setting; each is an environment variable."


def data() -> argparse.ArgumentParser:
    """The parent of every command that takes --data."""
    about = f"the folder of the database {FILE} (the working directory); `booper serve` makes it if it is missing"
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--data", metavar="DIR", help=about)
    return parent


def environment(chosen: argparse.Namespace, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with what the flags say. Raises SettingsError where a flag and a variable name two databases."""
    values = {name: getattr(chosen, name, None) for name in (DEMO_KEY, *(flag.setting for flag in FLAGS))}
    said = {name: value for name, value in values.items() if value is not None}
    return {**environ, **said, **_database(getattr(chosen, "data", None), environ)}


def _database(folder: str | None, environ: Mapping[str, str]) -> dict[str, str]:
    if folder is None:
        return {}
    url = f"{SQLITE}{Path(folder).absolute() / FILE}"
    if environ.get(DATABASE, url) != url:
        raise SettingsError(f"--data {folder} and {DATABASE} name two databases: give only one of them")
    return {DATABASE: url}


def make_folder(chosen: argparse.Namespace) -> None:
    """Make the folder of --data, for its owner only, if the command is `serve`. Raises OSError where that can't be."""
    if chosen.command == "serve" and (folder := getattr(chosen, "data", None)):
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)


def _text_for(setting: str) -> Callable[[str], str]:
    """A parser that checks a flag's text by the form of the setting, and returns it as it is."""
    form = BY_NAME[setting].form

    def parse(text: str) -> str:
        try:
            form.parse(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be {form.accepted}, got {text!r}") from None
        return text

    return parse
