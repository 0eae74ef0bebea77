"""What docs/architecture.md and the recipes of CONTRIBUTING.md name exists: files, functions, folders, layers."""

import ast
import configparser
import re

import pytest

from booper.commands import PRODUCTION
from tests.support.documents import ROOT, table, tables

PAGE = "docs/architecture.md"
PACKAGES = ("api", "booper", "models", "runtime", "workers")
RECIPES = (
    *("a setting", "an API resource", "an event type", "a log event"),
    *("a transition", "a field of a job", "a state of a job", "a limit that a job waits for"),
    *("a limit on requests that are refused", "a state of a schedule's health"),
    *("a page", "a way of alerting", "a command", "a migration", "a duty of the ticker"),
)
PATH = re.compile(
    r"`((?:api|bench|booper|clients|deploy|docs|models|runtime|tests|workers)/[^`\s:]*|[a-z]+\.py|setup\.cfg)[`:]"
)
OF_THE_READER = {"receiver.py"}  # files that a document has its reader write


def names_in(path):
    """What a module defines: functions, classes, and methods as `Class.method`."""
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (
                f"{node.name}.{each.name}"
                for each in node.body
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
            )


def contract(name):
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser[f"importlinter:contract:{name}"]


def text_of(recipe):
    text = (ROOT / "CONTRIBUTING.md").read_text().partition(f"\n### To add {recipe}\n")[2]
    return text.partition("\n##")[0]


def paths_of(recipe):
    return PATH.findall(text_of(recipe))


def test_every_stage_of_a_job_names_a_function_of_its_file():
    stages = [stage for stages in tables(PAGE, "## The way of a job") for stage in stages]
    functions = [(path, name) for _, path, names in stages for name in re.findall(r"[\w.]+", names)]

    assert len(functions) > 40
    assert [(path, name) for path, name in functions if name not in set(names_in(path))] == []


INSERTS = {"job_store.create", "job_store.create_many"}


def callers(path, wanted):
    """The functions of a module that use any of these, or another function of the module that does."""
    functions = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
    uses = {function.name: {ast.unparse(node) for node in ast.walk(function)} for function in functions}
    calling, before = set(), None
    while calling != before:
        calling, before = {name for name, used in uses.items() if used & (wanted | calling)}, calling
    return calling


def test_every_function_that_makes_jobs_is_listed():
    modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    making = {(str(path.relative_to(ROOT)), name) for path in modules for name in callers(path, INSERTS)}

    listed = [row for rows in tables(PAGE, "## The way of a job") for row in rows]

    assert len(making) > 20
    names = {(path, name) for _, path, cell in listed for name in re.findall(r"[\w.]+", cell)}
    assert sorted((path, name) for path, name in making - names if not name.startswith("_")) == []


def test_only_the_store_of_jobs_inserts_them():
    modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    inserting = [path for path in modules if re.search(r"INSERT INTO job\b", path.read_text())]
    assert [str(path.relative_to(ROOT)) for path in inserting] == ["models/jobs/job_store.py"]


def test_every_command_that_stays_is_listed():
    commands, *_ = tables(PAGE, "## The parts")

    assert [name for name, *_ in commands] == [f"booper {name}" for name in ("serve", *PRODUCTION)]


def test_every_folder_of_the_product_is_listed():
    roots = [ROOT / package for package in PACKAGES]
    folders = [folder for root in roots for folder in (root, *root.rglob("*")) if (folder / "__init__.py").exists()]

    listed = [folder for folder, _ in table(PAGE, "## The folders")]

    assert sorted(listed) == sorted(str(folder.relative_to(ROOT)) for folder in folders)


def test_the_layers_are_those_of_the_contracts():
    for name, layers in table(PAGE, "## The import law"):
        lines = contract(name)["layers"].strip().splitlines()
        assert layers == " → ".join(line.replace(" | ", " and ") for line in lines)


def test_the_libraries_are_those_of_the_contracts():
    rows = tables(PAGE, "## The import law")[1]

    assert [name for name, *_ in rows] == ["rules", "transport", "flask", "dramatiq"]
    for name, libraries, _ in rows:
        assert libraries.split(", ") == contract(name)["forbidden_modules"].split()


def importers(name):
    """The modules and folders that a contract leaves out, and those that it makes an exception for."""
    sources = set(contract(name)["source_modules"].split())
    parts = {part.removesuffix(".py").replace("/", ".") for part in parts_of("workers")} | set(PACKAGES) - {"workers"}
    covered = {part for part in parts if part in sources or part.partition(".")[0] in sources}
    exceptions = re.findall(r"^([\w.]+) ->", contract(name).get("ignore_imports", ""), re.MULTILINE)
    return (parts - covered) | set(exceptions)


def parts_of(package):
    """The modules and folders of a package."""
    folders = [path.parent for path in (ROOT / package).glob("*/__init__.py")]
    modules = [path for path in (ROOT / package).glob("*.py") if path.stem != "__init__"]
    return [f"{package}/{path.name}" for path in folders + modules]


@pytest.mark.parametrize("row", tables(PAGE, "## The import law")[1][1:], ids=lambda row: row[0])
def test_the_importers_of_a_library_are_those_of_the_contracts(row):
    name, _, cell = row

    listed = re.findall(r"`?((?:api|booper|models|runtime|workers)\b[\w/.]*)`?", cell)

    assert {path.removesuffix(".py").replace("/", ".") for path in listed} == importers(name)


@pytest.mark.parametrize("document", sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]), ids=lambda p: p.name)
def test_every_file_a_document_names_exists(document):
    named = set(PATH.findall(document.read_text())) - OF_THE_READER
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


@pytest.mark.parametrize("recipe", RECIPES)
def test_each_recipe_names_files(recipe):
    assert len(set(paths_of(recipe))) >= 3


def test_every_recipe_is_one_of_these():
    headings = re.findall(r"^### To add (.*)$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert headings == list(RECIPES)


def test_the_recipe_of_a_setting_names_who_knows_the_settings_in_workers():
    text = {path.relative_to(ROOT): path.read_text() for path in (ROOT / "workers").rglob("*.py")}
    knowing = re.compile(r"^from runtime(\.settings import .*\bSettings\b| import .*\bsettings\b)", re.MULTILINE)

    named = [path for path in paths_of("a setting") if path.startswith("workers/") and path.endswith(".py")]

    assert sorted(named) == sorted(str(path) for path, source in text.items() if knowing.search(source))


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_names_in_a_recipe_are_in_the_files_that_it_names(recipe):
    names = set(re.findall(r"`([A-Za-z_]{4,})`", text_of(recipe)))
    sources = [path for named in paths_of(recipe) for path in [ROOT / named, *(ROOT / named).glob("*")]]
    words = {word for path in sources if path.is_file() for word in re.findall(r"\w+", path.read_text())}

    assert sorted(names - words) == []


def test_the_recipe_of_a_migration_names_every_module_of_tables():
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "models").rglob("*_tables.py")}
    assert modules <= set(paths_of("a migration"))


def calls_in(path):
    """Each call in the module: the last name of what is called, and the arguments that are named."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            named = {each.arg: getattr(each.value, "value", None) for each in node.keywords}
            yield getattr(node.func, "attr", getattr(node.func, "id", "")), named


def threads_of(path):
    """Each thread that the module starts: which of its arguments are named."""
    return (named for name, named in calls_in(path) if name == "Thread")


def test_no_thread_keeps_its_process_from_ending_and_each_has_a_name():
    modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    threads = [(str(path.relative_to(ROOT)), named) for path in modules for named in threads_of(path)]

    assert len(threads) >= 15
    assert [path for path, named in threads if "name" not in named] == []
    assert {path for path, named in threads if named.get("daemon") is not True} == set()


TAKE_LOCKS = {"Event", "Thread", "Timer", "Condition", "Semaphore", "BoundedSemaphore", "Barrier", "Queue"}


def test_who_handles_signals_uses_nothing_whose_lock_a_signal_could_wait_for():
    """A signal that came while its thread set a `threading.Event` waited for that event's lock for ever. What handlers
    call in other modules is not seen here."""
    modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    called = {str(path.relative_to(ROOT)): {name for name, _ in calls_in(path)} for path in modules}
    handling = {path for path, names in called.items() if "signal" in names or path == "api/server/gunicorn_worker.py"}

    assert handling >= {"booper/processes.py", "booper/supervisor.py", "workers/queue/middleware.py"}
    assert {path for path in handling if called[path] & TAKE_LOCKS} == set()
    assert {path for path, names in called.items() if "start_new_thread" in names} == {"runtime/signals.py"}
