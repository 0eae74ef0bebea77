"""`python -m booper` is `booper`."""

import sys

from booper.cli import main

sys.exit(main())
