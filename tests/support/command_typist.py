"""Types command lines of the documents as their reader does: in a folder, against a live server, with an account."""

import os
import re
import shlex
import signal
import subprocess

from booper import cli, client_commands
from booper_client import Client
from tests.support.command_line import START, Run, in_a_pipe
from tests.support.documented_commands import CALL
from tests.support.documents import code_blocks
from tests.support.journeys.ports import free_port
from tests.support.waiting import wait_until

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LIMIT_SECONDS = 60
ENDLESS = {  # what goes on until it is stopped, and what it says first
    "serve": r"Booper listens on http://",
    "tail": r"worker\.http\.error",
    "listen": r"Requests for listener://laptop/ go to",
}
SERVER, ECHO, JOB, PORT = "{server}", "{echo}", "{job}", "{port}"
PLACEHOLDERS = {  # what a reader replaces, and by what
    r"(?<=--data )/(?:data|var/lib/booper)": "~/data",
    r"docker (?:compose )?exec \S+ |[\w./-]*/(?=booper )": "",  # there is one `booper`
    r"(?<=--port )8000": PORT,
    r"http://127\.0\.0\.1:8000|https://booper\.example\.com": SERVER,
    r"https://hooks\.example\.com/": ECHO,
    r"\b29180\b": JOB,
    r"completion zsh": "completion bash",  # bash is what reads the line
}


class Typist:
    """`run`: runs a command of the client in this process. `env`: of those that are processes."""

    def __init__(self, server, key, folder, env, run):
        self._client, self._key, self._folder, self._run = Client(server.url, key), key, folder, run
        self._env = env | {
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
            "BOOPER_OPERATOR_ALERTS": f"webhook={server.url}/api/echo",
        }
        prepare_folder(folder, key)
        self._meant = {SERVER: server.url, ECHO: f"{server.url}/api/echo", JOB: prepare_account(self._client, server)}

    def close(self):
        self._client.close()

    def type(self, line):
        """Type a line; its exit code and what it printed. What goes on is stopped when it has begun."""
        line = self._adapted(line)
        beginning = (
            None if "--help" in line else next((ENDLESS[word] for word in line.split() if word in ENDLESS), None)
        )
        words = [] if set("<>|;$~&") & set(line) else shlex.split(CALL.search(line)[1], comments=True)
        if beginning:
            return self._begin(line, beginning)
        if words and client_commands.is_for_client(words, cli.server_commands()):
            return self._run(*words)
        process = self._process(line)
        out, err = process.communicate(timeout=LIMIT_SECONDS)
        return Run(process.returncode, out, err)

    def _adapted(self, line):
        """The line for this server and this folder, with the ids of what there is."""
        if "staging" in line or line.endswith("profiles"):
            in_a_pipe(["login", "--url", self._meant[SERVER], "--profile", "staging"], self._env, f"{self._key}\n")
        if " backup " in line:
            in_a_pipe(["migrate", "--data", str(self._folder / "data")], self._env)
        for written, meant in PLACEHOLDERS.items():
            line = re.sub(written, str(free_port()) if meant == PORT else self._meant.get(meant, meant), line)
        return UUID.sub(lambda _: self._id_for(*CALL.search(line)[1].split()[:1]), line)

    def _id_for(self, place):
        """The id of what a command may name: of the latest there is, else of a new one."""
        if place.endswith("keys"):
            owner = ["--account", "acme"] if place == "signing-keys" else []
            return UUID.search(in_a_pipe([place, "list", *owner], self._env, cwd=self._folder).out)[0]
        listed = getattr(self._client, place).list()
        return (next(iter(listed), None) or MAKERS[place](self._client)).id

    def _process(self, line):
        return subprocess.Popen(
            ["bash", "-c", f'set -o pipefail; booper() {{ {shlex.join(START)} "$@"; }}\n{line}'],
            env=self._env | {"PORT": str(free_port())},
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _begin(self, line, beginning):
        process = self._process(line)
        first = (process.stderr if " listen " in line else process.stdout).readline()
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=LIMIT_SECONDS)
        return Run(0, first, "") if re.search(beginning, first) else Run(1, "", first)


def prepare_folder(folder, key):
    """The files that the documents name."""
    (folder / "key-file").write_text(f"{key}\n")
    (folder / "schedules.yaml").write_text(code_blocks("docs/clients.md", "yaml")[0])
    (folder / "body.json").write_text('{"a": 1}')
    (folder / "crontab.txt").write_text("@daily curl https://example.com/\n")
    for name in ("proj", "bin", "data", ".config/fish/completions"):
        (folder / name).mkdir(parents=True)
    (folder / "proj/celery.py").write_text("beat_schedule = {'often': {'task': 'proj.often', 'schedule': 300}}")
    (folder / "bin/crontab").write_text(f"#!/bin/sh\ncat {folder}/crontab.txt\n")
    (folder / "bin/crontab").chmod(0o755)


def prepare_account(client, server):
    """What the documents name; the number of a job that completed. One that failed is the latest in the log."""
    completed = client.jobs.create(f"{server.url}/api/echo", method="post")
    client.schedules.put("daily-report", url="https://example.com/report", cron="@daily")
    client.flows.put("shop-42", concurrency=1)
    job = client.jobs.wait(completed, every_seconds=0.02)
    client.jobs.wait(client.jobs.create("http://127.0.0.1:9/", max_attempts=1), every_seconds=0.02)
    return str(job.job_id)


def incident(client):
    """One of a schedule whose job was discarded after the rule for it was made."""
    client.schedules.put("failing", url="http://127.0.0.1:9/", cron="@yearly", max_attempts=1)
    client.alerts.create("failing", [{"webhook": "https://example.com/a"}], scope={"account": True})
    client.schedules.run("failing")
    wait_until(lambda: list(client.incidents.list()), what="an incident")
    return next(client.incidents.list())


MAKERS = {
    "alerts": lambda client: client.alerts.create("a", [{"webhook": "https://example.com/a"}]),
    "endpoints": lambda client: client.endpoints.create("https://example.com/events"),
    "incidents": incident,
    "operations": lambda client: client.jobs.cancel_all(name="nothing"),
}
