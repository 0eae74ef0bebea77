"""The import law: each contract of setup.cfg is kept, and is broken by an import that it forbids."""

import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.documents import ROOT

PACKAGES = ("api", "booper", "models", "runtime", "workers")
BREAKS = {  # a contract: a module, and an import that must not stand in it
    "packages": ("models/rules/clock.py", "import runtime.settings"),
    "models": ("models/jobs/labels.py", "import models.operations.explain"),
    "workers": ("workers/transport/deadline.py", "import workers.delivery.judge"),
    "api": ("api/responses/timestamps.py", "import api.routes.jobs"),
    "rules": ("models/rules/clock.py", "import peewee"),
    "transport": ("workers/delivery/judge.py", "import requests"),
    "sending": ("workers/transport/deadline.py", "import models.jobs.job_store"),
    "flask": ("workers/delivery/judge.py", "import flask"),
    "dramatiq": ("api/routes/jobs.py", "import dramatiq"),
    "circles": ("models/rules/clock.py", "import models.rules.times"),
}
PREFIX = "importlinter:contract:"


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The product in a folder of its own. Who changes it, changes it back: to copy it takes as long as to check it."""
    folder = tmp_path_factory.mktemp("tree")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", folder)
    return folder


@contextmanager
def importing(tree, module, statement):
    """In the block this import stands at the end of the module."""
    path = tree / module
    text = path.read_text()
    path.write_text(f"{text}\n{statement}\n")
    try:
        yield
    finally:
        path.write_text(text)


def check(folder, *contracts):
    """Whether these contracts, or all, are kept in a folder, and what the tool prints."""
    tool = Path(sys.executable).with_name("lint-imports")
    command = [tool, "--no-cache", *(word for contract in contracts for word in ("--contract", contract))]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    return ran.returncode == 0, ran.stdout + ran.stderr


def contracts():
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return {section.removeprefix(PREFIX) for section in parser.sections() if section.startswith(PREFIX)}


def test_every_contract_has_an_import_that_breaks_it():
    assert contracts() == set(BREAKS)


def test_every_contract_is_kept(tree):
    kept, text = check(tree)

    assert kept, text
    assert f"{len(BREAKS)} kept, 0 broken" in text


@pytest.mark.parametrize("contract", BREAKS)
def test_a_forbidden_import_breaks_its_contract(tree, contract):
    with importing(tree, *BREAKS[contract]):
        kept, text = check(tree, contract)

    assert not kept
    assert re.search(r"\b1 broken\b", text)


def test_no_folder_of_the_product_holds_more_than_20_modules():
    """But that of the migrations: one is added with each change of the schema, and nobody reads them side by side."""
    folders = [folder for package in PACKAGES for folder in (ROOT / package, *(ROOT / package).rglob("*"))]
    counts = {str(folder.relative_to(ROOT)): len(list(folder.glob("*.py"))) for folder in folders if folder.is_dir()}
    assert {folder: count for folder, count in counts.items() if count > 20 and not folder.endswith("migrations")} == {}
