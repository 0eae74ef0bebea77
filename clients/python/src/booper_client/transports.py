"""What both transports share: the address of the API, the key, the limit of time."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from booper_client.requests_out import AGENT


@dataclass(frozen=True)
class Connection:
    """Where the API is. `url`: of the server, without `/api`. `timeout`: seconds that one attempt may take."""

    url: str
    key: str | None = field(repr=False)
    timeout: float = 30.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url must be http:// or https:// and a host, got {self.url!r}")
        if self.key is not None and not (self.key.isascii() and self.key.isprintable() and " " not in self.key):
            raise ValueError("key must be an API key that begins with sk_; it has characters that no key has")

    def address(self, path: str) -> str:
        return f"{self.url.rstrip('/')}/api{path}"

    def headers(self) -> dict[str, str]:
        shared = {"User-Agent": AGENT, "Accept": "application/json"}
        return shared | ({"Authorization": f"Bearer {self.key}"} if self.key else {})
