"""The TypeScript client is built from the OpenAPI document and works against a live server; skipped without npm."""

import json
import os
import shutil
import subprocess

import pytest
import requests

from booper_client import Client
from tests.support.documents import ROOT, code_blocks
from tests.support.first_request import received_by
from tests.support.live_server import LOSE, LiveServer, LossyFront
from tests.support.receivers import RecordingReceiver

pytestmark = pytest.mark.journey


@pytest.fixture
def package(tmp_path):
    """The sources of the package, with its dependencies."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is missing")
    folder = tmp_path / "typescript"
    shutil.copytree(ROOT / "clients/typescript", folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    done = subprocess.run([npm, "install", "--silent", "--no-audit"], cwd=folder, capture_output=True, timeout=300)
    if done.returncode:
        pytest.skip("npm can't get the dependencies")
    return folder


CHECKED = (
    *("npx", "tsc", "--noEmit", "--allowJs", "--checkJs", "--strict", "--noImplicitAny", "false"),
    *("--module", "nodenext", "--target", "es2022", "--types", "node"),
)
TYPED = """
import { createBooper } from "booper-client";
const booper = createBooper();
// @ts-expect-error there is no such path
await booper.GET("/api/nothing");
// @ts-expect-error the field has another type
await booper.POST("/api/jobs", { body: { url: 5 } });
// @ts-expect-error a part of the path is missing
await booper.GET("/api/endpoints/{key}");
const { data } = await booper.GET("/api/endpoints/{key}", { params: { path: { key: "x" } } });
const url: string = data.data.url; // a refusal is thrown, so there is always an answer
console.log(url, (await booper.GET("/api/endpoints")).data.data.length);
await booper.DELETE("/api/endpoints/{key}", { params: { path: { key: "x" } } });
"""


def run(package, *words, **variables):
    env = {name: value for name, value in os.environ.items() if not name.startswith("BOOPER_")} | variables
    done = subprocess.run(words, cwd=package, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def signed_request(client):
    """A request of the server with its headers and the secret of its signature."""
    receiver = RecordingReceiver()
    receiver.start()
    secret = client.signing_keys.create().secret
    client.jobs.wait(client.jobs.create(f"{receiver.url}/", method="post", body={"n": 1}), every_seconds=0.05)
    receiver.stop()
    [request] = receiver.arrivals
    return json.dumps({"body": request.body.decode(), "headers": request.headers, "secret": secret})


def test_the_package_is_built_and_its_tests_pass(package, tmp_path):
    with LiveServer(tmp_path) as server, LossyFront(server.port, LOSE, LOSE) as front:
        key = server.new_key()
        with Client(server.url, key) as client:
            signed = signed_request(client)
        document = requests.get(f"{server.url}/api/openapi.json", timeout=30)
        (package / "openapi.json").write_bytes(document.content)

        run(package, "npm", "run", "--silent", "build")
        shown = run(
            package,
            *("npm", "test"),
            BOOPER_URL=server.url,
            BOOPER_API_KEY=key,
            BOOPER_TEST_LOSSY_URL=front.url,
            BOOPER_TEST_SIGNED=signed,
        )

        [example] = code_blocks("docs/clients.md", "js")
        (package / "example.mjs").write_text(example)
        (package / "typed.mts").write_text(TYPED)
        run(package, *CHECKED, "example.mjs", "typed.mts")
        printed = run(package, "node", "example.mjs", BOOPER_URL=server.url, BOOPER_API_KEY=key)
        [receiver] = code_blocks("docs/clients.md", "mjs")
        received = received_by("node", package / "receiver.mjs", receiver, server.url, key)

    assert "422 { timeout: [" in printed
    assert "# fail 0" in shown or "ℹ fail 0" in shown
    assert len(front.requests) == 3
    assert received == ["refused: the header webhook-id is missing\n", "verified: { hello: 'world' }\n"]
