"""TCP ports of loopback for servers that are about to start: nobody else takes one in the meantime.

A port that the kernel gave and took back may be that of any new connection before the server listens. So these lie
below the kernel's own, and whoever has one holds a lock of its number until the process ends.
"""

import contextlib
import random
import socket
from pathlib import Path

FIRST = 10_000
TRIES = 1_000
KERNEL_S_OWN = Path("/proc/sys/net/ipv4/ip_local_port_range")

_locks: list[socket.socket] = []


def free_port() -> int:
    """A port where nobody listens, and which no other process is given here until this one ends. Raises OSError when
    there is none."""
    beyond = int(KERNEL_S_OWN.read_text().split()[0])
    for _ in range(TRIES):
        port = random.randrange(FIRST, max(beyond, 2 * FIRST))
        if _lock(port):
            return port
    raise OSError(f"no port of 127.0.0.1 from {FIRST} on was free in {TRIES} tries")


def _lock(port: int) -> bool:
    """Whether the port is ours from now on. The lock is a socket's name, which the kernel frees with its process."""
    lock = socket.socket(socket.AF_UNIX)
    with contextlib.suppress(OSError), socket.socket() as probe:
        lock.bind(f"\0booper-tests-port-{port}")
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        _locks.append(lock)
        return True
    lock.close()
    return False
