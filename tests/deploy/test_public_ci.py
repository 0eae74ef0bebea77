"""What GitHub reads: the workflow runs what .ci/run runs, and the forms of issues are complete."""

import os
import re

import pytest
import yaml

from runtime.version import __version__
from tests.support.documents import ROOT, table

GITHUB = ROOT / ".github"
WORKFLOW = yaml.safe_load((GITHUB / "workflows/ci.yml").read_text())
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")


def test_the_public_ci_ends_with_the_check_of_the_house():
    [job] = WORKFLOW["jobs"].values()
    assert job["steps"][-1]["run"] == ".ci/run"
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert WORKFLOW["permissions"] == {"contents": "read"}


def test_the_public_ci_installs_every_program_that_the_check_starts():
    [job] = WORKFLOW["jobs"].values()
    installed = set(" ".join(step.get("run", "") for step in job["steps"]).split())
    started = set(re.findall(r"command -v ([\w-]+)", (ROOT / ".ci/run").read_text()))
    packages = {"pg_ctlcluster": "postgresql", "apt-get": "apt-get"}
    assert {packages.get(name, name) for name in started} <= installed


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_a_form_of_an_issue_has_what_github_asks_for(form):
    content = yaml.safe_load(form.read_text())
    fields = content["body"]
    assert {"name", "description", "body"} <= set(content)
    assert all(field["attributes"]["label"] for field in fields)
    assert len({field["id"] for field in fields}) == len(fields)
    assert any(field["validations"]["required"] for field in fields if "validations" in field)


def test_the_security_page_supports_this_version():
    versions = dict(table("SECURITY.md", "## Supported versions"))
    assert versions[".".join(__version__.split(".")[:2])] == "yes"
