"""The README, done as it says: its commands and its program against a server, one after another."""

import re
import shutil
import subprocess
import sys

import pytest

from tests.support.documents import ROOT
from tests.support.journeys.product import BOOPER, Embedded
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(not shutil.which("curl"), reason="the README types curl, which is not installed"),
]
TEXT = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Embedded(tmp_path_factory.mktemp("readme")) as product:
        yield product


def blocks(language, server):
    """The code of the README in a language, for the port of the server; nothing is sent to other machines."""
    code = re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    here = [block.replace("https://example.com/", "http://127.0.0.1:8000/api/echo?") for block in code]
    return [block.replace(":8000", f":{server.port}") for block in here]


def curls(server):
    return [block for block in blocks("sh", server) if block.startswith("curl ")]


def with_the_command_line(server):
    """The commands of the README that are Booper's own, with the program of this environment."""
    [lines] = [block for block in blocks("sh", server) if block.startswith("export BOOPER_URL")]
    return lines.replace(".venv/bin/booper", BOOPER)


def typed(command, server):
    words = ["bash", "-euo", "pipefail", "-c", command.replace("curl ", "curl --silent --show-error --fail ", 1)]
    run = subprocess.run(words, cwd=server.folder, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, f"{command}\n{run.stdout}{run.stderr}"
    return run.stdout


def test_every_command_and_program_of_the_readme_works(server):
    answers = [typed(command, server) for command in curls(server)]
    typed(with_the_command_line(server), server)
    for program in blocks("python", server):
        subprocess.run([sys.executable, "-c", program], cwd=server.folder, check=True, timeout=60)

    jobs = server.client().get("/api/jobs?limit=50")["data"]
    queries = set(re.findall(r"/api/echo\?([\w-]+)", str(jobs)))

    assert len(answers) == 3
    assert queries == {"trial-ends", "report", "hook"}


def test_the_request_of_the_quick_start_is_in_the_log_two_seconds_later(server):
    order, look, *_ = curls(server)
    typed(order, server)
    wait_until(lambda: '"hello"' in typed(look, server), 60, "the request in the log")
