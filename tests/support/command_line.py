"""Runs `booper` as a client: in this process, in a process with a pipe, or on a pseudo-terminal."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from typing import NamedTuple

import click

from booper_client.cli import main
from tests.support.documents import ROOT

START = [sys.executable, "-c", "import sys; from booper.cli import main; sys.exit(main())"]


class Run(NamedTuple):
    code: int
    out: str
    err: str


def commands(command=None, path=()):
    """Every command with the words that call it."""
    command = command or main.group()
    yield path, command
    for name in command.list_commands(None) if isinstance(command, click.Group) else []:
        yield from commands(command.get_command(None, name), (*path, name))


def environment(folder, **variables):
    """Nothing of this machine's profiles or variables."""
    of_others = ("BOOPER_", "_BOOPER", "COLUMNS", "LINES")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(of_others)}
    paths = os.pathsep.join([str(ROOT), str(ROOT / "clients/python/src")])
    return kept | {"PYTHONPATH": paths, "XDG_CONFIG_HOME": str(folder), "HOME": str(folder), **variables}


def in_a_pipe(words, env, stdin="", cwd=None):
    done = subprocess.run([*START, *words], env=env, input=stdin, capture_output=True, text=True, timeout=60, cwd=cwd)
    return Run(done.returncode, done.stdout, done.stderr)


def on_a_terminal(words, env, typed="", columns=80):
    """What a terminal of so many columns shows; standard error is on it too."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    settings = env | {"TERM": "xterm-256color"}
    process = subprocess.Popen(
        [*START, *words], env=settings, stdin=follower, stdout=follower, stderr=follower, start_new_session=True
    )
    os.close(follower)
    os.write(leader, typed.encode())
    shown = b""
    while piece := _read(leader):
        shown += piece
    os.close(leader)
    return Run(process.wait(60), shown.decode().replace("\r\n", "\n"), "")


def _read(leader):
    try:
        return os.read(leader, 65536)
    except OSError:  # Linux's way to say that the other end is closed
        return b""
