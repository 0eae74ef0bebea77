"""Writes `booper_client/_sync` from `booper_client/_async`: `python clients/python/write_sync.py`."""

import re
from pathlib import Path

PACKAGE = Path(__file__).parent / "src" / "booper_client"
MODULES = (
    *("account.py", "alerting.py", "client.py", "declarations.py", "flow_control.py"),
    *("jobs.py", "listeners.py", "recurring.py", "schedules.py", "sender.py"),
)
REPLACED = (
    (r"\basync def\b", "def"),
    (r"\basync for\b", "for"),
    (r"\bawait ", ""),
    (r"\bAsyncIterator\b", "Iterator"),
    (r"\bAsyncClient\b", "Client"),
    (r"\b_async\b", "_sync"),
    (r"__aenter__", "__enter__"),
    (r"__aexit__", "__exit__"),
)


def waiting(source: str) -> str:
    """The source of a module of coroutines as one that waits."""
    for pattern, text in REPLACED:
        source = re.sub(pattern, text, source)
    return source


def main() -> None:
    for name in MODULES:
        (PACKAGE / "_sync" / name).write_text(waiting((PACKAGE / "_async" / name).read_text()))


if __name__ == "__main__":
    main()
