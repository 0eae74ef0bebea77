"""Finds the command lines of Booper that a reader may type: in the documents, and in the help of each command."""

import re

from booper import cli
from tests.support.command_line import commands
from tests.support.documents import ROOT

HELP = "--help"
PAGES = ["README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]
BLOCK = re.compile(r"^ *```(?:sh|text)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
CALL = re.compile(
    r"(?:^|[|;&(]\s*)(?:[A-Z_]+=\S* )*(?:docker (?:compose )?exec \S+ )?(?:[\w./-]*/)?booper(?:-client)? (.*)"
)
NAMES_ALONE = re.compile(r"booper( [a-z][a-z-]*)*")
OF_A_SHELL = re.compile(r"^(?:bash|zsh|fish) {2,}| {2,}in ~\S+$")  # in the help of `completion`


def every_line():
    """The command lines by where they stand: a page's name, or HELP."""
    by_page = {page: lines_of((ROOT / page).read_text()) for page in PAGES}
    by_page[HELP] = lines_of_help()
    return {page: list(dict.fromkeys(lines)) for page, lines in by_page.items() if lines}


def lines_of(text):
    """Those of a page: lines of its shell blocks, and spans that are more than the name of a command."""
    blocks = [line for block in BLOCK.findall(text) for line in _joined(block)]
    spans = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    written = [" ".join(span.split()) for span in spans]
    return _calls([*blocks, *(span for span in written if not NAMES_ALONE.fullmatch(span))])


def lines_of_help():
    """Those in the help of each command, of client and server."""
    texts = [command.help or "" for _, command in commands()]
    texts += [command.format_help() for command in cli.parser().commands.values()]
    return _calls([OF_A_SHELL.sub("", line) for text in texts for line in _joined(text)])


def _joined(text):
    """The lines of a text; one that ends with a backslash goes on."""
    return [line.strip() for line in re.sub(r"\\\n\s*", "", text).splitlines()]


def _calls(lines):
    return [line for line in lines if CALL.search(line) and not line.lower().startswith("usage:")]
