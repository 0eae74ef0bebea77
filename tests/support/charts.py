"""Renders the chart of Helm: by the program `helm`, or by its library for Python (requirements-chart.lock)."""

import functools
import importlib.util
import json
import shutil
import subprocess

import pytest
import yaml

from tests.support.documents import ROOT

CHART = ROOT / "deploy/helm/booper"
RELEASE = "jobs"


def rendered(values):
    """The objects that the chart makes with these values, by kind and name."""
    documents = [document for text in _texts(json.dumps(values)) for document in yaml.safe_load_all(text) if document]
    return {(document["kind"], document["metadata"]["name"]): document for document in documents}


@functools.cache
def _texts(values):
    if importlib.util.find_spec("helm_python"):
        return _by_library(values)
    if shutil.which("helm"):
        command = ["helm", "template", RELEASE, str(CHART), "--values", "-"]
        return [subprocess.run(command, input=values, capture_output=True, text=True, check=True, timeout=60).stdout]
    pytest.skip("neither helm nor its library is installed (pip install -r requirements-chart.lock)")


def _by_library(values):
    import helm_python

    chart = helm_python.Chart.load(str(CHART))
    texts = chart.render(json.loads(values), name=RELEASE, namespace="default")
    return [text for path, text in texts.items() if path.endswith(".yaml")]


def complaints():
    """What `helm lint` complains of."""
    if importlib.util.find_spec("helm_python"):
        import helm_python

        report = helm_python.lint(str(CHART), strict=True)
        return [message for message in report["messages"] if message["severity"] > 1] + report["errors"]
    if shutil.which("helm"):
        run = subprocess.run(["helm", "lint", "--strict", str(CHART)], capture_output=True, text=True, timeout=60)
        return [] if run.returncode == 0 else [run.stdout]
    pytest.skip("neither helm nor its library is installed (pip install -r requirements-chart.lock)")
