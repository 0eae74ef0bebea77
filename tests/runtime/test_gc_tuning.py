"""Tests how rarely the garbage collector runs, from the first import on."""

import gc
import subprocess
import sys

import pytest

from runtime import gc_tuning


@pytest.mark.parametrize("package", ["booper", "workers"])
def test_a_package_that_processes_begin_with_makes_collections_rare(package):
    """Before anything else is imported: to import is what makes most objects."""
    code = f"import gc, sys, {package}; print(gc.get_threshold(), 'peewee' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.stdout == "(20000, 20, 50) False\n"


@pytest.fixture
def unfrozen():
    """What a test exempts is collected again after it: the process goes on with other tests."""
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("unfrozen")
def test_what_exists_is_exempt_from_collections():
    made = [[] for _ in range(1000)]
    exempt = gc.get_freeze_count()

    gc_tuning.exempt_all()

    assert gc.get_freeze_count() >= exempt + len(made)
