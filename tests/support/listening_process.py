"""`booper listen` as a process, and what it prints."""

import signal
import subprocess
import threading

from tests.support.command_line import START
from tests.support.waiting import wait_until


class Lines:
    """Reads a pipe in a thread; `lines` are those that have come so far."""

    def __init__(self, pipe):
        self.lines = []
        self._thread = threading.Thread(target=self._read, args=(pipe,), name="lines", daemon=True)
        self._thread.start()

    def _read(self, pipe):
        for line in pipe:
            self.lines.append(line.rstrip("\n"))

    def join(self):
        self._thread.join(10)


class Listen:
    """A context. `to`: the local server; `env`: the environment, which names Booper and the key."""

    def __init__(self, env, to, *words, name="laptop", in_background=False):
        """`in_background`: as a shell starts it that lets it ignore SIGINT."""
        words = [*START, "listen", "--to", to, "--name", name, *words]
        self._process = subprocess.Popen(
            words,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=ignore_interrupts if in_background else None,
        )
        self._out, self._err = Lines(self._process.stdout), Lines(self._process.stderr)

    @property
    def lines(self):
        """The requests that it has shown."""
        return self._out.lines

    @property
    def notes(self):
        """What it has said besides."""
        return self._err.lines

    def __enter__(self):
        wait_until(lambda: self.notes)
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
        self.end()

    def interrupt(self, number=signal.SIGINT):
        """Ctrl-C, or another signal; the exit code."""
        self._process.send_signal(number)
        return self.end()

    def end(self):
        code = self._process.wait(20)
        self._out.join()
        self._err.join()
        return code


def ignore_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
