"""What the wheel will hold, without building it: the files that setuptools would install."""

import subprocess
import sys

from tests.support.documents import ROOT
from tests.support.packages import files_of_the_product

LISTS = (
    "from setuptools.dist import Distribution\n"
    "distribution = Distribution({'script_name': 'setup.py'})\n"
    "distribution.parse_config_files()\n"
    "command = distribution.get_command_obj('build_py')\n"
    "command.ensure_finalized()\n"
    "print(*command.get_outputs(include_bytecode=False), sep='\\n')\n"
)


def files_to_install(folder):
    run = subprocess.run(
        [sys.executable, "-c", LISTS], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    prefix = "build/lib/"
    return {line.removeprefix(prefix) for line in run.stdout.splitlines() if line.startswith(prefix)}


def test_the_wheel_holds_every_file_of_the_product_and_no_other():
    wanted = files_of_the_product()

    assert {"api/dashboard/templates/base.html", "api/dashboard/static/booper.css"} <= wanted
    assert "models/database/migrations/0001_initial.py" in wanted
    assert files_to_install(ROOT) == wanted
