"""Finds and runs a command, and turns what goes wrong into a message and an exit code."""

import importlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from booper_client.cli import failures
from booper_client.cli.catalog import COMMANDS, module_of

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 80, "terminal_width": None}
EXIT_CODES = """\b
Exit codes:
  0  done
  1  refused by the server, or a watched job did not complete
  2  wrong use
  3  there is no such job, schedule, ...
  4  no key, or a key that is unknown or revoked
  5  no answer from the server
  6  `schedules apply --dry-run` would change something
"""


class Commands(click.Group):
    """Imports the module of a command once it is called or asked for help."""

    beside: Mapping[str, str] = {}

    def list_commands(self, _ctx: click.Context | None) -> list[str]:
        return [*COMMANDS, *self.beside]

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name in self.beside:
            return click.Command(name, short_help=self.beside[name])
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(module_of(name)).command
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List them by what `COMMANDS` says: no module is imported for that."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def group(beside: Mapping[str, str] | None = None) -> Commands:
    """All commands. `beside`: others of the same program, which only completion has to know."""
    about = "Orders HTTP requests from Booper, and shows what came of them."
    made = Commands("booper", help=about, epilog=EXIT_CODES, context_settings=CONTEXT, no_args_is_help=True)
    made.beside = beside or {}
    made.commands = {name: click.Command(name) for name in made.list_commands(None)}  # for "Did you mean"
    return made


def run(arguments: Sequence[str], program: str, beside: Mapping[str, str] | None = None) -> int:
    """Run a command; the exit code. `program`: how it was called."""
    try:
        result: Any = group(beside).main(list(arguments), program, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except SystemExit:  # how click ends when nobody reads the output any more
        return 0
    except (click.Abort, KeyboardInterrupt):
        click.echo("", err=True)
        return 130
    except Exception as error:
        code = failures.show(error, program)
        if code is None:
            raise
        return code


def main() -> int:
    """The command `booper-client`, of a machine that has no server."""
    return run(sys.argv[1:], "booper-client")
