"""Makes and checks API keys: `sk_`, 27 characters of 160 random bits, 6 characters of checksum. Pure.

The prefix and the checksum let a scanner recognize a leaked key without a database.
"""

import hashlib
import secrets
import zlib

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PREFIX = "sk_"
RANDOM_BITS = 160
RANDOM_LENGTH = 27
CHECKSUM_LENGTH = 6


def new_key() -> str:
    """A fresh key of 36 characters."""
    random_part = _base62(secrets.randbits(RANDOM_BITS), RANDOM_LENGTH)
    return PREFIX + random_part + checksum(random_part)


def checksum(random_part: str) -> str:
    """CRC-32 of the random part, as 6 characters."""
    return _base62(zlib.crc32(random_part.encode()), CHECKSUM_LENGTH)


def well_formed(key: str) -> bool:
    """Whether `key` may be one of ours; a wrong checksum needs no query."""
    body = key.removeprefix(PREFIX)
    if len(key) != len(PREFIX) + RANDOM_LENGTH + CHECKSUM_LENGTH or not key.startswith(PREFIX) or not body.isascii():
        return False
    return checksum(body[:RANDOM_LENGTH]) == body[RANDOM_LENGTH:]


def digest(key: str) -> str:
    """The SHA-256 of a key in hex, stored in its place. No salt or stretching: the key is random enough."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def shown_as(key: str) -> str:
    """Enough of a key to recognize it, and too little to use it: `sk_Ab3…x9Qz`."""
    return f"{key[:6]}…{key[-4:]}"


def _base62(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, remainder = divmod(number, 62)
        digits = ALPHABET[remainder] + digits
    return digits
