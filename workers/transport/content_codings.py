"""Undoes the compression of a body that was kept, since some targets compress unasked.

Its owner reads the body in the log, and a schedule computes with it. Never more than the length that is kept is
unpacked, so a small answer can't grow in memory. A body that can't be unpacked stays as it came.
"""

import zlib

from workers.transport.answer_reader import MAX_BODY_KEPT_BYTES, Answer

_FORMS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def unpacked(answer: Answer) -> Answer:
    codings = [value.lower() for name, value in answer.headers if name.lower() == "content-encoding"]
    form = _FORMS.get(codings[0]) if len(codings) == 1 else None
    if form is None or not answer.body:
        return answer
    unpacker = zlib.decompressobj(form)
    try:
        body = unpacker.decompress(answer.body, MAX_BODY_KEPT_BYTES + 1)  # one more shows whether there is more
    except zlib.error:
        return answer
    is_whole = unpacker.eof and not unpacker.unused_data and len(body) <= MAX_BODY_KEPT_BYTES
    return answer._replace(body=body[:MAX_BODY_KEPT_BYTES], truncated=answer.truncated or not is_whole)
