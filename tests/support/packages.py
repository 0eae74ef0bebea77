"""Builds the packages of this tree, and installs one where nothing of the repository can be seen."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.documents import ROOT

TOP = ("api", "booper", "models", "runtime", "workers")
LIMIT_SECONDS = 600


def files_of_the_product():
    """The paths of everything that the product needs at run time, relative to the repository."""
    inside = (path.relative_to(ROOT) for top in TOP for path in (ROOT / top).rglob("*") if path.is_file())
    return {str(path) for path in inside if "__pycache__" not in path.parts}


def built(folder):
    """The sdist and the wheel of the server, and the wheel of the client, of HEAD, built into a folder."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("the packages are built from a commit, and here is no git repository")
    command = [ROOT / "deploy/build-packages", folder]
    subprocess.run(
        command, check=True, timeout=LIMIT_SECONDS, capture_output=True, env=os.environ | {"PYTHON": sys.executable}
    )
    (sdist,), (wheel,) = folder.glob("booper-*.tar.gz"), folder.glob("booper-*.whl")
    (client,) = folder.glob("booper_client-*.whl")
    return sdist, wheel, client


def files_of(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def bare_environment(folder, wheels):
    """The programs of a new environment that holds the wheels and what they ask for, in the locked versions."""
    constraints = folder / "constraints.txt"
    locked = re.findall(r"^([\w.-]+==\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    constraints.write_text("\n".join(locked))
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, timeout=LIMIT_SECONDS)
    pip = [folder / "venv/bin/pip", "--disable-pip-version-check", "--quiet"]
    reached = subprocess.run(
        [*pip, "download", "--no-deps", "--retries", "0", "--dest", folder, locked[0]],
        capture_output=True,
        timeout=LIMIT_SECONDS,
    )
    if reached.returncode:
        pytest.skip(f"no package index can be reached: {reached.stderr.decode()[-300:]}")
    subprocess.run([*pip, "install", "--constraint", constraints, *wheels], check=True, timeout=LIMIT_SECONDS)
    return folder / "venv/bin"


def with_namesakes(folder):
    """The folder, with packages and modules of Booper's names in it, as another project may have them."""
    for name in (*TOP, "wsgi", "gunicorn", "dramatiq"):
        (folder / f"{name}.py").write_text("raise RuntimeError('this is the module of another project')\n")
    return Path(folder)
