"""Rules for the tests themselves, read from their source."""

import ast
import re
from pathlib import Path

import pytest

from tests.conftest import LONGEST

TESTS = Path(__file__).parent


def package_of(path):
    return ".".join(path.relative_to(TESTS.parent).parts[:-1])


def imported_modules(source, package):
    """The dotted names of what this source may import; `from a import b` gives both `a` and `a.b`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            outer = package.rsplit(".", node.level - 1)[0] if node.level else ""
            base = ".".join(part for part in (outer, node.module) if part)
            yield from (base, *(f"{base}.{alias.name}" for alias in node.names))


def is_test_module(name):
    path = TESTS.parent / f"{name.replace('.', '/')}.py"
    return path.name.startswith("test_") and path.exists()


def test_no_module_imports_from_a_test_module():
    names = [
        (str(path.relative_to(TESTS)), name)
        for path in TESTS.rglob("*.py")
        for name in imported_modules(path.read_text(), package_of(path))
    ]

    assert len(names) > 1000
    assert [(path, name) for path, name in names if is_test_module(name)] == []


@pytest.mark.parametrize(
    "statement",
    [
        "import tests.api.test_docs",
        "from tests.api import test_docs",
        "from tests.api.test_docs import x",
        "from . import test_docs",
        "from .test_docs import x",
        "from ..api import test_docs",
        "def f(): from tests.api.test_docs import x",
    ],
)
def test_an_import_from_a_test_module_is_noticed(statement):
    assert any(map(is_test_module, imported_modules(statement, "tests.api")))


def test_a_conftest_defines_fixtures_and_hooks_alone():
    others = [
        (str(path.relative_to(TESTS)), node.name)
        for path in TESTS.rglob("conftest.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("pytest_")
        and "pytest.fixture" not in map(decorator_name, node.decorator_list)
    ]

    assert others == []


def decorator_name(node):
    return ast.unparse(node.func if isinstance(node, ast.Call) else node)


def marked(mark):
    """The modules that set this mark somewhere."""
    return {path.relative_to(TESTS.parent) for path in TESTS.rglob("test_*.py") if f"mark.{mark}" in path.read_text()}


@pytest.mark.parametrize("mark", ["journey", "alone"])
def test_make_finds_every_test_that_starts_processes(mark):
    folders = re.search(r"^JOURNEYS := (.+)$", (TESTS.parent / "Makefile").read_text(), re.MULTILINE)[1].split()
    modules = marked(mark)

    assert len(modules) >= 5
    assert [path for path in modules if str(Path(*path.parts[:2])) not in folders] == []


def test_the_longest_modules_are_where_the_order_of_the_tests_names_them():
    assert [name for name in LONGEST if not (TESTS / name).is_file()] == []
