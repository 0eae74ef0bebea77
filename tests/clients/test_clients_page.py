"""What docs/clients.md shows works as it stands, against a live server."""

import re

import pytest

import booper_client
from booper_client import Client, errors
from tests.support.documents import ROOT, table

PAGE = ROOT / "docs/clients.md"
WRITTEN = "http://127.0.0.1:8000", "sk_public_20230921"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def test_the_python_of_the_page_runs_from_its_first_to_its_last_block(server, capsys):
    namespace = {"__name__": "page"}
    for source in blocks("python"):
        exec(source.replace(WRITTEN[0], server.url), namespace)

    printed = capsys.readouterr().out
    assert printed.startswith("completed\n200\n")
    assert "{'shedule_in': ['unknown field, did you mean `schedule_in`?']}" in printed
    assert len(list(namespace["client"].jobs.list(url="https://example.com/invoice"))) == 1
    namespace["client"].close()


def test_the_table_of_methods_is_that_of_the_client(server, key):
    with Client(server.url, key) as client:
        for attribute, methods in table("docs/clients.md", "## What there is"):
            holder = client if attribute == "client" else getattr(client, attribute.removeprefix("client."))
            offered = {name for name in dir(holder) if not name.startswith("_") and callable(getattr(holder, name))}
            assert set(methods.split("` `")) == offered, attribute


def test_the_table_of_errors_is_that_of_the_package():
    listed = {name for name, _ in table("docs/clients.md", "## Errors")}

    assert listed == {name for name in dir(errors) if name.endswith("Error")}
    assert all(hasattr(booper_client, name) for name in listed)


@pytest.mark.parametrize("name", ["BOOPER_URL", "BOOPER_API_KEY"])
def test_the_page_names_the_variables(name):
    assert f"`{name}`" in PAGE.read_text()
