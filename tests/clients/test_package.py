"""The package of the client: both clients are the same, and nothing of the server is needed."""

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib

import booper_client
from tests.support.documents import ROOT

HOME = ROOT / "clients/python"
PACKAGE = HOME / "src/booper_client"
SERVER = ("api", "booper", "models", "runtime", "workers")


def writer():
    spec = importlib.util.spec_from_file_location("write_sync", HOME / "write_sync.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_client_that_waits_is_the_one_of_coroutines():
    write = writer()
    hand_written = {"__init__.py", "transport.py"}

    assert {path.name for path in (PACKAGE / "_async").glob("*.py")} - hand_written == set(write.MODULES)
    for name in write.MODULES:
        wanted = ast.dump(ast.parse(write.waiting((PACKAGE / "_async" / name).read_text())))
        assert ast.dump(ast.parse((PACKAGE / "_sync" / name).read_text())) == wanted, "run write_sync.py"


def test_the_client_imports_nothing_of_the_server_and_httpx_only_when_it_is_wanted():
    code = "import booper_client, sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    run = subprocess.run(
        [sys.executable, "-P", "-c", code], env={"PYTHONPATH": str(HOME / "src")}, capture_output=True, text=True
    )

    imported = set(run.stdout.split())

    assert "requests" in imported, run.stderr
    assert imported & {*SERVER, "httpx", "click", "rich", "yaml", "mcp", "pydantic"} == set()


def test_no_module_of_the_client_names_a_package_of_the_server():
    for path in PACKAGE.rglob("*.py"):
        imports = re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.MULTILINE)
        assert not set(imports) & set(SERVER), path


def test_the_version_is_that_of_the_metadata():
    project = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]

    assert project["version"] == booper_client.__version__
    assert f"booper-client/{booper_client.__version__} " in __import__("booper_client.requests_out").requests_out.AGENT


def test_every_name_that_the_package_offers_is_there():
    assert [name for name in booper_client.__all__ if not hasattr(booper_client, name)] == []
    assert not hasattr(booper_client, "Missing")


def command(*words, before="pass"):
    """Runs the command that the package installs, as its script does."""
    project = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]
    module, _, function = project["scripts"]["booper-client"].partition(":")
    code = f"import sys; {before}; from {module} import {function}; sys.exit({function}())"
    env = {"PYTHONPATH": str(HOME / "src")}
    return subprocess.run([sys.executable, "-P", "-c", code, *words], env=env, capture_output=True, text=True)


def test_the_package_installs_the_command_of_a_machine_without_the_server():
    help_text = command("jobs", "--help")

    assert help_text.stdout.startswith("Usage: booper-client jobs "), help_text.stderr


def test_the_command_says_which_extra_is_missing():
    run = command("jobs", "--help", before="sys.modules['click'] = None")

    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == "`booper-client` needs the extra `cli`: pip install './clients/python[cli]'\n"
