"""Makes UUIDs of version 7, so that rows made together lie together in an index."""

import random
import uuid

from models.rules import clock

MARKS, OTHERS = 7 << 76 | 2 << 62, ~(15 << 76 | 3 << 62)  # the bits of version and variant; all the others


def new_id() -> str:
    """A fresh UUID as lower-case text with dashes: 48 bits of milliseconds, then 74 random bits. It is no secret.

    Written by hand, since two are made for each attempt, and `uuid.UUID` would take four times as long. The random
    bits come from the module `random`, which is seeded by the system and again after a fork. To ask the system each
    time would release the interpreter, and a busy process gets it back late.
    """
    milliseconds = clock.now() // clock.MILLISECOND & (1 << 48) - 1
    number = milliseconds << 80 | random.getrandbits(80)  # noqa: S311
    return with_dashes((number & OTHERS | MARKS).to_bytes(16).hex())


def with_dashes(digits: str) -> str:
    """The usual 36 characters of a UUID, from its 32 digits."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def is_uuid(text: str) -> bool:
    """Whether `text` is a UUID in its usual 36 characters."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
