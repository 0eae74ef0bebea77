"""Says what went wrong and what to type, and gives the exit code."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from booper_client import errors

FAILED, WRONG_USE, NOT_FOUND, NO_KEY, NO_ANSWER, WOULD_CHANGE = 1, 2, 3, 4, 5, 6

UNKNOWN = "unknown field"  # how the server refuses a field that it does not know: no option sets that


class Refusal(Exception):
    """The command can't go on: a message, and the exit code."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


def show(error: Exception, program: str) -> int | None:
    """Print what went wrong; the exit code, or None for a mistake of this program."""
    if isinstance(error, click.ClickException):
        error.show(sys.stderr)
        return error.exit_code
    for kind, code, lines in (
        (Refusal, getattr(error, "code", FAILED), [str(error)]),
        (errors.UnauthenticatedError, NO_KEY, _no_key(program)),
        (errors.NotFoundError, NOT_FOUND, [_not_found(error)]),
        (errors.ConnectionFailedError, NO_ANSWER, _no_answer(error, program)),
        (errors.ApiError, FAILED, _problem(error)),
        ((errors.BooperError, OSError, ValueError), FAILED, [str(error)]),
    ):
        if isinstance(error, kind):
            click.echo(f"{program}: " + "\n".join(lines), err=True)
            return code
    return None


def _no_key(program: str) -> list[str]:
    return [f"the server takes no such key. Type `{program} login`, or set BOOPER_API_KEY."]


def _not_found(error: Any) -> str:
    """With the address at which nothing was found: a command may name several things."""
    path = getattr(error, "path", None)
    return f"{str(error).rstrip('.')}: {path}" if path else str(error)


def _no_answer(error: Exception, program: str) -> list[str]:
    hint = f"Is the server running there? Type `{program} login` or set BOOPER_URL for another one."
    return [_shortened(str(error)), hint]


def _shortened(text: str) -> str:
    """Without what urllib3 says of its objects."""
    before, _, cause = text.partition("HTTPConnectionPool")
    return f"{before}{cause.rpartition(': ')[2].rstrip(chr(41) + chr(39))}" if cause else text


def _problem(error: Any) -> list[str]:
    problems = getattr(error, "errors", {})
    return problem_lines(problems, str) if problems else [str(error)]


def problem_lines(problems: Mapping[str, Sequence[str]], name_of: Callable[[str], str]) -> list[str]:
    """A line for each thing that the server refused. `name_of`: what the command line calls a field."""
    lines = [
        f"  {(field if text.startswith(UNKNOWN) else name_of(field)) or 'request'}: {text}"
        for field, texts in problems.items()
        for text in texts
    ]
    return ["the server refused it:", *lines]
