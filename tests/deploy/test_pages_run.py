"""The pages that a reader types along with, from their first to their last line, against a server of their own."""

import os
import re
import signal
import subprocess
import sys

import pytest

from tests.support.command_line import START, environment
from tests.support.documents import ROOT
from tests.support.journeys.ports import free_port
from tests.support.journeys.product import DEMO_KEY, Embedded
from tests.support.waiting import wait_until

pytestmark = pytest.mark.journey
LIMIT_SECONDS = 120
ELSEWHERE = re.compile(r"https://(?:example\.com|hooks\.slack\.com)/")


@pytest.fixture
def server(tmp_path):
    with Embedded(tmp_path) as product:
        yield product


@pytest.fixture
def typed(server, tmp_path):
    """Types a page's blocks of one language, in order, in one program; what was printed. Nothing is sent to other
    machines, and no program of the page is left behind."""
    started = []

    def run(text, program, **variables):
        env = environment(tmp_path, **variables)
        process = subprocess.Popen(
            [*program, text], cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        started.append(process.pid)
        out, err = process.communicate(timeout=LIMIT_SECONDS)
        assert process.returncode == 0, f"{text}\n{out}\n{err}"
        return out

    yield run
    for pid in started:
        if process_group_is_there(pid):
            os.killpg(pid, signal.SIGKILL)


def process_group_is_there(pid):
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True


def blocks(page, language, server):
    """A page's code in a language, for the port of the server."""
    text = (ROOT / "docs" / page).read_text()
    code = re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    here = [ELSEWHERE.sub("http://127.0.0.1:8000/api/echo?", block) for block in code]
    return [block.replace(":8000", f":{server.port}") for block in here]


def shell(page, server):
    """A shell that knows `booper`, and the lines of the page for it."""
    words = " ".join(f"'{word}'" for word in START)
    lines = "\n".join(blocks(page, "sh", server)).replace("curl -", "curl --silent --show-error --fail -")
    return f'set -eu\nbooper() {{ {words} "$@"; }}\n{lines}'


BASH = ["bash", "-c"]


def test_the_tutorial_ends_as_it_says(server, typed, tmp_path):
    port = free_port()
    [program] = blocks("tutorial.md", "python", server)
    (tmp_path / "target.py").write_text(program.replace("9000", str(port)))
    text = shell("tutorial.md", server).replace("9000", str(port))
    listening = f"until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>&-; do sleep 0.1; done"
    text = text.replace("target.log &", f"target.log 2>&1 &\n{listening}")
    text = text.replace("sleep 5\n", "until grep -q 'attempt 2' target.log; do sleep 0.1; done\n")

    typed(text, BASH)

    log = (tmp_path / "target.log").read_text()
    attempts = [line for line in log.splitlines() if "Monday" in line]
    assert attempts == ['attempt 1: {"day": "Monday"} -> 503', 'attempt 2: {"day": "Monday"} -> 200']
    wait_until(lambda: "each" in (tmp_path / "target.log").read_text(), LIMIT_SECONDS, "the run of the schedule")
    assert server.client().get("/api/schedules/daily-report")["data"]["frequency"]["cron"] == "0 9 * * 1-5"


def test_the_recipes_do_what_they_say(server, typed):
    typed(shell("recipes.md", server), BASH)
    send, receive = blocks("recipes.md", "python", server)
    variables = {"BOOPER_URL": f"http://127.0.0.1:{server.port}", "BOOPER_API_KEY": DEMO_KEY}
    typed(send, [sys.executable, "-c"], **variables)
    calls = 'print(receive("a", "c", 5), "/", receive("a", "c", 5), "/", receive("b", "c", 5))\n'
    counted = 'print(database.execute("SELECT count(*) FROM payment").fetchone()[0])'
    printed = typed(f"{receive}\n{calls}{counted}", [sys.executable, "-c"])

    client = server.client()
    assert printed == "done / was here before / done\n2\n"
    assert len(client.get("/api/jobs?label=customer:17")["data"]) == 1
    assert client.get("/api/flows/shop-42")["data"]["rate"] == 10
    assert [rule["name"] for rule in client.get("/api/alerts")["data"]] == ["schedules"]
    assert client.get("/api/flows/customer-17")["data"]["concurrency"] == 3


def test_what_moves_over_is_there_afterwards(server, typed, tmp_path):
    typed(shell("moving.md", server), BASH)
    [file] = blocks("moving.md", "yaml", server)
    (tmp_path / "celery.yaml").write_text(file)
    typed(f"{shell('moving.md', server).partition('printf')[0]}booper schedules apply celery.yaml --yes", BASH)

    client = server.client()
    crons = {row["frequency"].get("cron") for row in client.get("/api/schedules")["data"]}
    assert crons == {"*/10 * * * *", "0 9 * * 1-5", None}
    urls = {row["args"]["url"].partition("?")[2] for row in client.get("/api/jobs?limit=50")["data"]}
    assert {"hook", "handler"} <= urls
