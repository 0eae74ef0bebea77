"""The recommended rules of Redocly for the OpenAPI document; skipped where npm can't get its linter."""

import json
import shutil
import subprocess

import pytest

from api import create_app
from runtime import settings

pytestmark = pytest.mark.journey
VERSION = "@redocly/cli@2"


@pytest.fixture(scope="module")
def lint(tmp_path_factory):
    """A function from a document to what the linter objects to, by rule."""
    npm, folder = shutil.which("npm"), tmp_path_factory.mktemp("redocly")
    if npm is None:
        pytest.skip("npm is missing")
    installed = subprocess.run(
        [npm, "install", "--silent", "--no-audit", VERSION], cwd=folder, capture_output=True, timeout=300
    )
    if installed.returncode:
        pytest.skip("npm can't get the linter")

    def run(document):
        (folder / "openapi.json").write_text(json.dumps(document))
        done = subprocess.run(
            [folder / "node_modules/.bin/redocly", "lint", "openapi.json", "--extends=recommended", "--format=json"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
        )
        return [problem["ruleId"] for problem in json.loads(done.stdout)["problems"]]

    return run


@pytest.fixture
def document():
    return create_app(settings.load({})).test_client().get("/api/openapi.json").json


def test_a1_the_linter_has_nothing_to_object_to(lint, document):
    assert lint(document) == []


def test_what_breaks_a_rule_is_noticed(lint, document):
    del document["paths"]["/api/ping"]["get"]["operationId"]
    document["paths"]["/api/jobs"]["post"]["requestBody"]["content"]["application/json"]["example"] = {"url": 5}

    assert {"operation-operationId", "no-invalid-media-type-examples"} <= set(lint(document))
