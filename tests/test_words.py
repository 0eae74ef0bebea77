"""The names of the product and of its tests use no word that docs/glossary.md rules out."""

import ast
import re
from functools import cache

import pytest

from tests.support.documents import ROOT, table

ROOMS = ("api", "bench", "booper", "clients", "models", "runtime", "tests", "workers")
MODULES = sorted(path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py"))
PRODUCT = ("api", "booper", "clients", "models", "runtime", "workers")
A_NAME = "told"
ALLOWED = {
    ("api/server/waitress_channel.py", "error_task_class"): "waitress reads the class by this name",
    ("api/server/waitress_channel.py", "task_dispatcher"): "waitress reads the dispatcher by this name",
}

OTHERS_WORDS = {
    "clients/python/src/booper_client/task_queue.py": {"task", "tasks"}
}  # Celery's: what it queues is no job


@cache
def words_not_used():
    words = {row[0].partition(" ")[0] for row in table("docs/glossary.md", "## Words not used")}
    return words | {f"{word}s" for word in words} | {word.removesuffix("s") for word in words}


@cache
def names_not_used():
    return {row[0] for row in table("docs/glossary.md", "## Names not used")}


def words_of(name):
    """`rescueLost`, `RescueLost` and `rescue_lost` are rescue and lost."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def tree_of(module):
    return ast.parse((ROOT / module).read_text())


def defined_in(tree):
    """The names of functions and classes."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def names_in(tree):
    return defined_in(tree) | set(assigned_in(tree))


def assigned_in(tree):
    """The names of variables, parameters, attributes and imports, and those that SQL gives to its tables."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.ExceptHandler(name=str(name)) | ast.alias(asname=str(name)):
                yield name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                yield name
            case ast.Constant(value=str(text)):
                yield from re.findall(r"\bAS (\w+)", text)


def misnamed(names, words=None):
    words = words_not_used() if words is None else words
    return {name for name in names if words_of(name) & words or name.strip("_") in names_not_used()}


def is_in(module, folder):
    return folder in map(str, module.parents)


def test_no_module_function_or_class_has_a_word_that_the_glossary_does_not_use():
    named = {
        (str(module), name)
        for module in MODULES
        if module.parts[0] in PRODUCT
        for name in {*module.with_suffix("").parts, *defined_in(tree_of(module))}
    }

    assert len(named) > 1000
    assert [
        (module, name)
        for module, name in named
        if words_of(name) & (words_not_used() - OTHERS_WORDS.get(module, set()))
    ] == []


@pytest.mark.parametrize("folder", ROOMS)
def test_nothing_has_a_name_that_the_glossary_does_not_use(folder):
    modules = [module for module in MODULES if is_in(module, folder)]
    words = words_not_used() if folder.startswith(PRODUCT) else set()  # tests speak of Docker's services, for example
    named = {
        (str(module), name)
        for module in modules
        for name in misnamed(names_in(tree_of(module)), words - OTHERS_WORDS.get(str(module), set()))
    }

    assert modules
    assert named - set(ALLOWED) == set()


@pytest.mark.parametrize("name", ["TaskList", "list_tasks", "HTTPHandler", "_utils", "ServiceError", "told", "_one"])
def test_a_word_not_used_is_noticed_in_any_spelling(name):
    assert misnamed([name])


@pytest.mark.parametrize("name", ["one_of", "_not_found", "Multitasking", "answered"])
def test_a_name_not_used_is_none_as_a_part_of_another(name):
    assert not misnamed([name])


@pytest.mark.parametrize(
    "source",
    [
        "told = 1",
        "told: int",
        "for told in x: pass",
        "[told for told in x]",
        "def f(told): pass",
        "def f(*, told=1): pass",
        "lambda told: 1",
        "self.told = 1",
        "with x as told: pass",
        "try: pass\nexcept E as told: pass",
        "import x as told",
        "(told := 1)",
        "match x:\n case [*told]: pass",
        "match x:\n case 1 as told: pass",
        f"execute('UPDATE job SET x FROM y AS {A_NAME}')",
    ],
)
def test_every_way_to_name_something_is_looked_at(source):
    assert misnamed(assigned_in(ast.parse(source))) == {"told"}


def test_each_exception_is_one():
    for module, name in ALLOWED:
        assert name in misnamed(names_in(tree_of(module)))
