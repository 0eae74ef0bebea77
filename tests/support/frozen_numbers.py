"""Lists every number that has a name: constants, and the defaults of parameters and fields.

`make numbers` writes tests/numbers.txt again from the code as it is.
"""

import ast
from collections.abc import Iterator

from tests.support.documents import ROOT

FROZEN = ROOT / "tests/numbers.txt"
ROOMS = ("api", "booper", "models", "runtime", "workers")
MIGRATIONS = ROOT / "models/database/migrations"
LONG = 80  # characters; of a longer expression the numbers alone are listed


def numbers_of(room: str) -> str:
    """The lines of all modules of a folder, each after the path of its module."""
    modules = [path for path in sorted((ROOT / room).rglob("*.py")) if MIGRATIONS not in path.parents]
    return "".join(f"{path.relative_to(ROOT)}: {line}\n" for path in modules for line in numbers_in(path.read_text()))


def numbers_in(source: str) -> Iterator[str]:
    """Lines such as `LIMIT = 3` or `find(limit) = 3`, in the order of the source."""
    yield from _of_body(ast.parse(source).body, "")


def _of_body(body: list[ast.stmt], within: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            yield from _line(f"{within}{ast.unparse(target)}", node.value)
        if isinstance(node, ast.ClassDef):
            yield from _of_body(node.body, f"{within}{node.name}.")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for parameter, default in _defaults(node.args):
                yield from _line(f"{within}{node.name}({parameter.arg})", default)


def _defaults(parameters: ast.arguments) -> Iterator[tuple[ast.arg, ast.expr]]:
    by_place = [*parameters.posonlyargs, *parameters.args]
    yield from zip(by_place[len(by_place) - len(parameters.defaults) :], parameters.defaults, strict=True)
    pairs = zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True)
    yield from ((parameter, default) for parameter, default in pairs if default)


def _line(name: str, value: ast.expr) -> Iterator[str]:
    constants = [node.value for node in ast.walk(value) if isinstance(node, ast.Constant)]
    numbers = [
        repr(each) for each in constants if isinstance(each, int | float) and each is not True and each is not False
    ]
    if isinstance(value, ast.Constant) and isinstance(value.value, bool):
        numbers = [repr(value.value)]
    if numbers:
        text = ast.unparse(value)
        yield f"{name} = {text}" if len(text) <= LONG else f"{name}: {', '.join(numbers)}"


def write() -> None:
    FROZEN.write_text("".join(map(numbers_of, ROOMS)))


if __name__ == "__main__":
    write()
