"""The documentation as text and tables."""

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
API_PAGE = (ROOT / "docs" / "api.md").read_text()


def code_blocks(document, language):
    """The texts of the code blocks in a language, also of those within a list."""
    pattern = rf"^(?P<indent> *)```{language}\n(?P<text>.*?)^(?P=indent)```$"
    matches = re.finditer(pattern, (ROOT / document).read_text(), re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block["text"]) for block in matches]


def table(document, heading):
    """The cells of the first table below a heading, without its head and without backticks."""
    return tables(document, heading)[0]


def tables(document, heading):
    """The cells of each table between a heading and the next one of its level, without heads and without backticks."""
    level = heading.partition(" ")[0]
    section = f"\n{(ROOT / document).read_text()}".partition(f"\n{heading}\n")[2].partition(f"\n{level} ")[0]
    return [_cells(lines) for lines in re.findall(r"(?:^\|.*\|$\n?)+", section, re.MULTILINE)]


def _cells(lines):
    rows = lines.splitlines()[2:]
    return [tuple(cell.strip().strip("`") for cell in row[1:-1].split("|")) for row in rows]
