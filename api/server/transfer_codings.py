"""Judges how a request marks the end of its body: which transfer codings this server reads, and what two readers could
take for two different requests. Pure.

A connection on which something else came is answered and ended, for nobody knows where the next request begins.
"""

from collections.abc import Iterable, Sequence

CHUNKED_ALONE = "The request's Transfer-Encoding must be chunked and nothing else."


def is_chunked_alone(values: Iterable[str]) -> bool:
    """Whether the headers Transfer-Encoding name chunked, once, and no other coding."""
    return [coding.strip(" \t").lower() for value in values for coding in value.split(",")] == ["chunked"]


def is_ambiguous(version: str, fields: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether a proxy may see the end of the body elsewhere: RFC 9112, sections 6.1 and 6.3. `fields`: the names in
    small letters, and the values."""
    codings = b",".join(value for name, value in fields if name == b"transfer-encoding").lower()
    has_length = any(name == b"content-length" for name, _ in fields)
    return bool(codings) and (version != "1.1" or has_length or codings.count(b"chunked") > 1)
