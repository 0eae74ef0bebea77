"""`python -m workers` is Dramatiq's command line, whose own process writes its log lines in Booper's form too."""

import sys

from dramatiq.cli import main

from runtime import logs, settings

if __name__ == "__main__":
    logs.configure(settings.load())
    sys.exit(main())
