"""Undoes the compression of a body that was kept, since some targets compress unasked.

Its owner reads the body in the log, and a schedule computes with it. Never more than the length that is kept is
unpacked, so a small answer can't grow in memory. A body that can't be unpacked stays as it came.
"""

import zlib
from dataclasses import replace

from workers.transport.answer_head import values_of
from workers.transport.outcome import Answered

MAX_MEMBERS = 100  # of a body in gzip; each may be empty
_FORMS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def unpacked(answered: Answered, kept_bytes: int) -> Answered:
    """The answer with its body as it was before one coding of `_FORMS`, as far as it is kept."""
    codings = values_of(answered.headers, "content-encoding")
    form = _FORMS.get(codings[0]) if len(codings) == 1 else None
    if form is None or not answered.body:
        return answered
    body, is_whole = _unpack(answered.body, form, kept_bytes)
    return replace(answered, body=body, truncated=answered.truncated or not is_whole)


def _unpack(packed: bytes, form: int, kept_bytes: int) -> tuple[bytes, bool]:
    """The beginning of the unpacked body, and whether it is all of it."""
    body, rest = b"", packed
    for _ in range(MAX_MEMBERS):
        member = zlib.decompressobj(form)
        try:
            body += member.decompress(rest, kept_bytes + 1 - len(body))  # one more shows whether there is more
        except zlib.error:
            return (body, False) if body else (packed, True)
        rest = member.unused_data
        if not (member.eof and rest) or len(body) > kept_bytes:
            break
    return body[:kept_bytes], member.eof and not rest and len(body) <= kept_bytes
