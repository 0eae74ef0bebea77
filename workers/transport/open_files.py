"""Owns how many files a sending process may have open: each request under way needs a socket, and so does each
connection that is kept for the next one."""

import logging
import resource

log = logging.getLogger("booper.open_files")
SPARE = 256  # the database, the broker, the API in embedded mode, the log


def allow_for(slots: int) -> int:
    """Raise this process's limit as far as so many slots need and the system allows; returns what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * slots + SPARE
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    if allowed < wanted:
        log.warning("only %d files may be open, %d slots want %d: lower BOOPER_SENDER_SLOTS", allowed, slots, wanted)
    return soft
