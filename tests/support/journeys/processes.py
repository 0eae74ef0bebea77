"""Processes of a journey: started in groups of their own, watched through /proc, stopped by id with limits.

Owns starting, waiting and stopping; the receiver as a process; and the reading of /proc. Knows nothing of
Booper's settings: that is product.py. Nothing here waits without a limit, and nothing is left behind: whoever
starts a Running or a ReceiverProcess closes it, and closing ends the whole process group.
"""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.support.journeys.ledger import Arrival, Ended, Notification, read_arrivals, read_notifications
from tests.support.waiting import LIMIT_SECONDS, wait_until

ESTABLISHED = "01"


class Running:
    """One process, leader of its own group, with its output in a file."""

    def __init__(self, name: str, command: list[str], env: dict[str, str], folder: Path) -> None:
        self.name = name
        self.log_path = folder / f"{name}.log"
        with self.log_path.open("ab") as log:
            self._popen = subprocess.Popen(
                command,
                env=env,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid = self._popen.pid
        self._stopping = self._group_ended = False

    @property
    def ended(self) -> bool:
        return self._popen.poll() is not None

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL to the whole group at once, as a machine that loses its power would. Once: an id comes back."""
        if not self._group_ended:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._popen.wait(LIMIT_SECONDS)
            wait_until(lambda: not group_members(self.pid), LIMIT_SECONDS, f"the end of all processes of {self.name}")
            self._group_ended = True

    def tell_to_stop(self) -> None:
        """SIGTERM to the leader, once: a second one asks for the end without delay."""
        if not self._stopping and not self.ended:
            self._popen.terminate()
        self._stopping = True

    def tell_group_to_stop(self, signum: int) -> None:
        """The signal to every process of the group at once, as a terminal's Ctrl-C and service managers do."""
        if not self._stopping and not self.ended:
            os.killpg(self.pid, signum)
        self._stopping = True

    def stop(self, limit_seconds: float = 15) -> int | None:
        """SIGTERM to the leader, SIGKILL to what is left; the leader's exit status, None if it was killed."""
        status = None
        self.tell_to_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self._popen.wait(limit_seconds)
        self.kill()
        return status


class ReceiverProcess:
    """The receiver as a process of its own; a context that ends it."""

    def __init__(self, folder: Path) -> None:
        self.ledger_path = folder / "arrivals.jsonl"
        script = Path(__file__).with_name("receiver.py")
        self._popen = subprocess.Popen(
            [sys.executable, "-I", str(script), "--ledger", str(self.ledger_path)],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._popen.stdout is not None
        self.port: int = json.loads(self._popen.stdout.readline())["port"]
        self.pid = self._popen.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def count(self) -> dict[str, int]:
        return self._control("/count")

    def arrived(self) -> int:
        return self.count().get("arrival", 0)

    def release(self) -> int:
        return self._control("/release")["released"]

    def ledger(self) -> tuple[list[Arrival], list[Ended]]:
        return read_arrivals(self.ledger_path)

    def notifications(self) -> list[Notification]:
        """What arrived below /notified, in its order."""
        return read_notifications(self.ledger_path)

    def stopped_ledger(self) -> tuple[list[Arrival], list[Ended]]:
        """The ledger after the last line was forced to the disk."""
        self.stop()
        return self.ledger()

    def stop(self) -> None:
        self._popen.terminate()
        try:
            self._popen.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait(LIMIT_SECONDS)
        if self._popen.stdout:
            self._popen.stdout.close()

    def _control(self, path: str) -> dict[str, int]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("POST", path)
            return json.loads(connection.getresponse().read())


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat from `state` on; None when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def group_members(group: int) -> list[int]:
    """The living processes (no zombies) of one process group."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if (stat := _stat(pid)) and int(stat[2]) == group and stat[0] != "Z"]


def descendants(root: int) -> list[int]:
    """The living processes below `root`, nearest first."""
    parents = {
        int(name): int(stat[1])
        for name in os.listdir("/proc")
        if name.isdigit() and (stat := _stat(int(name))) and stat[0] != "Z"
    }
    below, layer = [], {root}
    while layer := {pid for pid, parent in parents.items() if parent in layer}:
        below += sorted(layer)
    return below


def command_of(pid: int) -> list[str]:
    """The command line of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    except OSError:
        return []


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of these processes so far."""
    stats = [stat for pid in pids if (stat := _stat(pid))]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


def connected_to(port: int, pids: list[int]) -> list[int]:
    """Those of the processes that hold an established connection to this TCP port of the machine."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {
        f"socket:[{line[9]}]"
        for line in lines
        if int(line[2].rpartition(":")[2], 16) == port and line[3] == ESTABLISHED
    }
    return [pid for pid in pids if sockets & _open_files(pid)]


def _open_files(pid: int) -> set[str]:
    files = set()
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                files.add(os.readlink(f"/proc/{pid}/fd/{name}"))
    return files
