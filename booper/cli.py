"""Parses the command line. `booper --help` lists the commands.

Those that ask a running server are a matter of `booper/client_commands.py`, all others of `booper/commands.py`.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from booper import client_commands, serve_flags
from runtime.version import __version__


class Parser(argparse.ArgumentParser):
    """Its help lists the commands of the client too. `commands`: those of the server."""

    commands: Mapping[str, argparse.ArgumentParser]

    def format_help(self) -> str:
        return super().format_help() + client_commands.listed()


@cache
def parser() -> Parser:
    """The parser of the server's commands. Cached: making it takes longer than using it."""
    top = Parser(prog="booper", description="A self-hosted scheduler of HTTP requests.")
    top.add_argument("--version", action="version", version=f"booper {__version__}")
    commands = top.add_subparsers(
        title="commands of the server",
        dest="command",
        required=True,
        metavar="COMMAND",
        parser_class=argparse.ArgumentParser,
    )
    data = [serve_flags.data()]
    serve_flags.add_to(add_command(commands, "serve", "everything in one process (embedded mode)", data))
    add_command(commands, "api", "the API and the dashboard, by gunicorn (production mode)")
    add_command(commands, "worker", "processes that send requests, and a ticker (production mode)")
    add_command(commands, "ticker", "a ticker alone, which finds due jobs; `worker` starts its own")
    add_command(commands, "migrate", "bring the tables of the database up to date", data)
    about = "delete ended jobs that were kept long enough; the ticker does it by itself"
    add_command(commands, "prune", about, data)
    add_command(commands, "config", "print the settings in force, and where each comes from", data)
    add_doctor(commands, data)
    copied = "copy the database of `booper serve` into a new file, while it runs"
    add_command(commands, "backup", copied, data).add_argument("file", metavar="FILE", help="the new file")
    put_back = "put a backup in the place of the database of `booper serve`, which must be stopped"
    add_command(commands, "restore", put_back, data).add_argument("file", metavar="FILE", help="the backup")
    add_keys(commands, data)
    add_signing_keys(commands, data)
    top.commands = commands.choices
    return top


def add_command(
    commands: Any, name: str, about: str, parents: Sequence[argparse.ArgumentParser] = ()
) -> argparse.ArgumentParser:
    """Declare a command with what it is for: in the list of commands, in its own help and in completion."""
    added: argparse.ArgumentParser = commands.add_parser(name, parents=parents, help=about, description=about)
    return added


def server_commands() -> dict[str, str]:
    """The commands of the server with what they are for."""
    return {name: command.description or "" for name, command in parser().commands.items()}


def add_doctor(commands: Any, data: list[argparse.ArgumentParser]) -> None:
    about = "look at settings, database, broker, clocks, names and disks, and say what to do"
    doctor = add_command(commands, "doctor", about, data)
    doctor.epilog = "Exit code: 1 if an error was found."
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    doctor.add_argument("--target", action="append", default=[], metavar="URL", help="send HEAD to this URL too")
    doctor.add_argument(
        "--management", metavar="URL", help="URL of RabbitMQ's management plugin (http://HOST:15672 of the broker)"
    )
    doctor.add_argument("--test-alerts", action="store_true", help="send a test message to the operator's targets")


def add_keys(commands: Any, data: list[argparse.ArgumentParser]) -> None:
    keys = add_command(commands, "keys", "make, list and revoke API keys")
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = add_command(actions, "create", "make a key and print it, this once", data)
    create.add_argument("--account", required=True, help="whose key it is; a new name makes a new account")
    create.add_argument("--name", default="", help="what the key is for")
    add_command(actions, "list", "list all keys", data)
    revoke = add_command(actions, "revoke", "let a key open the API no more", data)
    revoke.add_argument("id", metavar="ID", help="its id, as `list` prints it")


def add_signing_keys(commands: Any, data: list[argparse.ArgumentParser]) -> None:
    about = "make, list and retire secrets that sign what is sent on behalf of an account"
    signing = add_command(commands, "signing-keys", about)
    actions = signing.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = add_command(actions, "create", "make a key and print its secret, this once", data)
    shown = add_command(actions, "list", "list the account's keys, without their secrets", data)
    retire = add_command(actions, "retire", "let a key sign no more, at once or later", data)
    retire.add_argument("id", metavar="ID", help="its id, as `list` prints it")
    retire.add_argument("--after", type=float, default=0, metavar="SECONDS", help="for so long it goes on signing (0)")
    for action in (create, shown, retire):
        action.add_argument("--account", required=True, help="whose keys; `create` makes a new account")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 (failed) or 2 (wrong use or settings)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    of_server = server_commands()
    if client_commands.is_for_client(words, of_server):
        return client_commands.run(words, of_server)
    from booper import commands  # which imports what the client does without, and would wait for

    return commands.carry_out(parser().parse_args(words))
