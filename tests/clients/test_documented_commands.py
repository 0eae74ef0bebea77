"""Each command line of Booper that a page or a help text shows does what it says, against a live server.

`PLACEHOLDERS` of tests/support/command_typist.py says what is typed in the place of what a reader replaces.
"""

import pytest

from tests.support.command_typist import Typist
from tests.support.documented_commands import CALL, HELP, PAGES, every_line, lines_of

LINES = every_line()
NOT_TYPED = {
    "api": "it needs PostgreSQL; tests/journeys starts it",
    "worker": "it needs PostgreSQL and RabbitMQ; tests/journeys starts it",
}
WITHOUT_OUTPUT = {"list", "runs", "backfills", "failures", "mcp", "revoke", "retire"}
REMARKS = {
    "schedules export > exported.yaml": "2 schedules have no key and are left out.\n"
}  # of `run --cron`, `--every`
TEXT = """
`booper jobs` and ` booper jobs get 5`, with `pipx inject booper x`

```sh
booper run get \\
  https://example.com/
make install
cat f | A=b dir/booper import crontab -
```

1. In a list:

   ```sh
   docker exec x booper keys list
   ```

```python
booper jobs get 6
```
"""


@pytest.fixture
def typist(server, key, configured, tmp_path, monkeypatch, booper):
    monkeypatch.chdir(tmp_path)
    typist = Typist(server, key, tmp_path, configured, booper)
    yield typist
    typist.close()


def command_of(line):
    return CALL.search(line)[1].strip()


def problem(line, run):
    """What a reader sees who typed the line, where it is not what the page promises; else None."""
    is_silent = WITHOUT_OUTPUT & set(line.split()) or ">" in line or "eval" in line
    is_good = run.code == 0 and run.err == REMARKS.get(command_of(line), "") and (run.out or is_silent)
    return None if is_good else f"{line}\n{run}"


@pytest.mark.parametrize("page", LINES)
def test_each_command_line_of_a_page_does_what_it_says(page, typist):
    typed = [line for line in LINES[page] if command_of(line) not in NOT_TYPED]

    problems = [problem(line, typist.type(line)) for line in typed]

    assert [each for each in problems if each] == []


def test_a_line_that_fails_or_says_nothing_is_noticed(typist):
    wrong = ["booper jobs get 1", "booper jobs lst", "booper keys create", "booper completion fish > none/file"]

    assert [line for line in wrong if problem(line, typist.type(line)) is None] == []


def test_each_exception_is_a_line_of_a_page():
    shown = {command_of(line) for lines in LINES.values() for line in lines}

    assert (NOT_TYPED.keys() | REMARKS.keys()) - shown == set()


def test_lines_are_recognized_in_blocks_lists_and_spans():
    assert lines_of(TEXT) == [
        "booper run get https://example.com/",
        "cat f | A=b dir/booper import crontab -",
        "docker exec x booper keys list",
        "booper jobs get 5",
    ]


def test_the_pages_and_the_help_show_many_lines():
    assert (
        {"README.md", "docs/clients.md", "docs/operating.md", "docs/recipes.md", HELP} <= LINES.keys() <= {*PAGES, HELP}
    )
    assert len(LINES[HELP]) >= 12
    assert sum(map(len, LINES.values())) >= 120
