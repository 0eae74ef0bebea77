"""The documentation as text and tables."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
API_PAGE = (ROOT / "docs" / "api.md").read_text()


def table(document, heading):
    """The cells of the first table below a heading, without its head and without backticks."""
    section = f"\n{(ROOT / document).read_text()}".partition(f"\n{heading}\n")[2]
    lines = re.search(r"(?:^\|.*\|\n)+", section, re.MULTILINE)[0].splitlines()[2:]
    return [tuple(cell.strip().strip("`") for cell in line[1:-1].split("|")) for line in lines]
