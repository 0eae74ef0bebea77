"""Makes schedules of the lines of a crontab that call curl or wget, and names the others."""

import re
import shlex
from typing import Any

from booper_client.cli.files.curl import request_of
from booper_client.cli.files.imported import Imported, NotCarried, key_of

VARIABLE = re.compile(r"\s*(\w+)\s*=\s*(.*?)\s*$")
NICKNAMES = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")


def read(text: str, has_users: bool = False, timezone: str | None = None) -> Imported:
    """`has_users`: a user stands behind the times, as in /etc/crontab. `timezone`: where no CRON_TZ says it."""
    made = Imported()
    for number, line in enumerate(text.splitlines(), 1):
        if not (stripped := line.strip()) or stripped.startswith("#"):
            continue
        if match := VARIABLE.match(line):
            timezone = _variable(made, number, match[1], match[2].strip("\"'"), timezone)
            continue
        try:
            cron, command = _parts(stripped, has_users)
            fields = request_of(_words(command)) | {"cron": cron} | ({"timezone": timezone} if timezone else {})
            made.schedules[key_of(_address(fields), made.schedules)] = fields
        except NotCarried as problem:
            made.left_out.append(f"line {number}: {problem}: {stripped}")
    return made


def _variable(made: Imported, number: int, name: str, value: str, timezone: str | None) -> str | None:
    if name in ("CRON_TZ", "TZ"):
        return value
    if name not in ("SHELL", "PATH", "HOME", "LOGNAME"):  # which mean nothing to a request
        made.left_out.append(f"line {number}: {name} has no counterpart")
    return timezone


def _parts(line: str, has_users: bool) -> tuple[str, str]:
    """The times and the command of a line."""
    count = (1 if line.startswith("@") else 5) + has_users
    words = line.split(None, count)
    if len(words) <= count:
        raise NotCarried("no line of a crontab")
    times = words[: count - has_users]
    if line.startswith("@") and times[0] not in NICKNAMES:
        raise NotCarried(f"{times[0]} is no time")
    return " ".join(times), words[count]


def _words(command: str) -> list[str]:
    """The words of a command that stands alone; what only silences it is left out."""
    if re.search(r"(?<!\\)%", command):
        raise NotCarried("% gives the command an input")
    silent = re.sub(r"\s*(?:\d?>>?\s*/dev/null|&>\s*/dev/null|\d>&\d)", "", command.replace(r"\%", "%"))
    try:
        lexer = shlex.shlex(silent, posix=True, punctuation_chars="|&;<>()")
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:
        raise NotCarried("a quote is not closed") from None
    if any(set(word) <= set("|&;<>()") for word in words) or "`" in silent or re.search(r"\$[\w({]", silent):
        raise NotCarried("needs a shell")
    return words


def _address(fields: dict[str, Any]) -> str:
    return re.sub(r"^https?://", "", str(fields["url"])).partition("?")[0]
