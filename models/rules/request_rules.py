"""Says which methods and headers a job may have, before the API stores it.

Pure checks. Header names that frame the request, that Booper signs with, or that open cloud metadata
services are kept from clients here; the transport, which also sends Booper's own headers, checks framing
for itself.
"""

import re
from collections.abc import Mapping

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
MAX_HEADERS = 50
MAX_HEADER_BYTES = 8 * 1024
MAX_ALL_HEADERS_BYTES = 32 * 1024

FRAMING_NAMES = frozenset(
    (
        "host",
        "content-length",
        "transfer-encoding",
        "te",
        "trailer",
        "connection",
        "keep-alive",
        "upgrade",
        "expect",
        "http2-settings",
    )
)
FRAMING_PREFIXES = ("proxy-",)
RESERVED_NAMES = FRAMING_NAMES | {"metadata", "metadata-flavor", "x-google-metadata-request"}
RESERVED_PREFIXES = (
    *FRAMING_PREFIXES,
    *("webhook-", "booper-"),
    *("x-aws-ec2-metadata-token", "x-aliyun-ecs-metadata-token", "metadata-token"),
)

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


class HeadersRefused(ValueError):
    """`errors` holds one "must …, got …" per header name; under the key "" what concerns the headers
    together.
    """

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" if name else text for name, text in errors.items()))
        self.errors = errors


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise HeadersRefused (a ValueError) naming every header that may not be sent. Values are never
    quoted.
    """
    errors: dict[str, str] = {}
    seen: set[str] = set()
    for name, value in headers.items():
        error = name_error(name) or _duplicate_error(name, seen) or value_error(name, value)
        if error:
            errors[str(name)[:100]] = error
    error = _together_error(headers)
    if error:
        errors[""] = error
    if errors:
        raise HeadersRefused(errors)


def name_error(name: object) -> str | None:
    """Why a client may not send a header of this name, or None."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return f"must be named with letters, digits and !#$%&'*+-.^_`|~, got {ascii(name)[:100]}"
    lowered = name.lower().replace("_", "-")  # many servers can't tell the two
    if lowered in RESERVED_NAMES or lowered.startswith(RESERVED_PREFIXES):
        return f"must be another header, since Booper sets or keeps back this one, got {name[:100]!r}"
    return None


def is_token(name: str) -> bool:
    """Whether `name` has the form of a header's name, whoever may set it."""
    return bool(_NAME.fullmatch(name))


def value_error(name: str, value: object) -> str | None:
    """Why this value cannot be sent, or None; the text does not quote the value, which may be a secret."""
    if not isinstance(value, str):
        return "must be a string, got something else"
    if _BAD_VALUE.search(value):
        return "must have no line breaks, control characters or lone surrogates, got one"
    if value != value.strip(" \t"):
        return "must not begin or end with a space, got one that does"
    size = len(name) + len(value.encode())
    return f"must be at most {MAX_HEADER_BYTES} bytes with its name, got {size}" if size > MAX_HEADER_BYTES else None


def _duplicate_error(name: str, seen: set[str]) -> str | None:
    if name.lower() in seen:
        return "must be given once, got it again in another case"
    seen.add(name.lower())
    return None


def _together_error(headers: Mapping[str, str]) -> str | None:
    if len(headers) > MAX_HEADERS:
        return f"must be at most {MAX_HEADERS} headers, got {len(headers)}"
    size = sum(_bytes(name) + _bytes(value) for name, value in headers.items())
    if size > MAX_ALL_HEADERS_BYTES:
        return f"must be at most {MAX_ALL_HEADERS_BYTES} bytes together, got {size}"
    return None


def _bytes(value: object) -> int:
    return len(str(value).encode("utf-8", "surrogatepass"))
