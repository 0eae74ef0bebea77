"""Raises how many files a sending process may have open: each request under way needs a socket, and so does each
connection that is kept for the next one."""

import logging
import resource

log = logging.getLogger("booper.open_files")
IDLE_CONNECTIONS = 1024  # that are kept at most
SPARE = 256  # the database, the broker, the API in embedded mode, the log


def slots_allowed(slots: int) -> int:
    """Raise this process's limit as far as so many slots need and the system allows; return how many slots it leaves
    room for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = slots + min(slots, IDLE_CONNECTIONS) + SPARE
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed == needed:
        return slots
    room = max(1, (allowed - SPARE) // 2, allowed - SPARE - IDLE_CONNECTIONS)
    log.warning("only %d files may be open: %d slots instead of %d of BOOPER_SENDER_SLOTS", allowed, room, slots)
    return room
