"""What each command starts from: a client for the chosen server, and where its output goes."""

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from booper_client import Client
from booper_client.cli import profiles
from booper_client.cli.failures import NO_KEY, Refusal, problem_lines
from booper_client.cli.option_names import place
from booper_client.cli.output import Output
from booper_client.errors import ApiError
from booper_client.retries import Retries

Command = Callable[..., Any]


class Session:
    """One call of a command."""

    def __init__(self, output: Output, profile: str | None, program: str) -> None:
        self.output = output
        self.program = program
        self._profile = profile

    @functools.cached_property
    def client(self) -> Client:
        """The client; a Refusal that says what to type where there is no key."""
        return self.another_client()()

    def another_client(self, retries: Retries | None = None, timeout: float = 30.0) -> Callable[[], Client]:
        """Makes clients for the same server, each for one thread."""
        server = profiles.chosen(self._profile)
        if not server.key:
            raise Refusal(f"there is no key: type `{self.program} login`, or set BOOPER_API_KEY.", NO_KEY)
        return lambda: Client(server.url, server.key, retries=retries, timeout=timeout)


def command(run: Command) -> Command:
    """A command that gets a Session; it takes `--json`, `--output` and `--profile`."""
    as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, as the API answers it.")
    return as_json(with_output(run))


def with_output(run: Command) -> Command:
    """The same without `--json`, which `run` needs for a body."""

    @click.option(
        "--output",
        "-o",
        type=click.Choice(["table", "plain", "json"]),
        help="Default: table on a terminal, else plain.",
    )
    @click.option("--profile", help="The server to ask, by its name in `profiles`.")
    @click.pass_context
    @functools.wraps(run)
    def wrapped(ctx: click.Context, output: str | None, profile: str | None, **options: Any) -> Any:
        form = "json" if options.pop("as_json", False) else output or ("table" if _is_terminal() else "plain")
        session = Session(Output(form), profile, ctx.find_root().info_name or "booper")
        ctx.call_on_close(lambda: vars(session).pop("client", session.output).close())
        try:
            return run(session, **options)
        except ApiError as error:
            if not error.errors:
                raise
            typed = _typed_by(ctx.command)
            raise Refusal("\n".join(problem_lines(error.errors, lambda field: place(field, typed)))) from error

    return wrapped


def _typed_by(command: click.Command) -> set[str]:
    """The options of a command, and its arguments in capital letters."""
    return {text for each in command.params for text in (*each.opts, each.human_readable_name)}


def _is_terminal() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def confirm(question: str, yes: bool) -> None:
    """Ask on a terminal; elsewhere `--yes` has to be there."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} There is no terminal to ask on: add --yes.")
    click.confirm(question, abort=True, err=True)
