"""The command `booper-client`, also as `python -m booper_client`: `booper` for machines without the server."""

import sys

MISSING = "`booper-client` needs the extra `cli`: pip install './clients/python[cli]'"


def main() -> int:
    """Run a command; the exit code."""
    try:
        from booper_client.cli.main import main as run
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "click":
            raise
        raise SystemExit(MISSING) from None
    return run()


if __name__ == "__main__":
    sys.exit(main())
