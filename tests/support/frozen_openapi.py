"""Writes tests/api/openapi.txt again from the API as it is: `make openapi`."""

from api import create_app
from runtime import settings
from tests.support.documents import ROOT
from tests.support.openapi import contract


def write():
    document = create_app(settings.load({})).test_client().get("/api/openapi.json").json
    (ROOT / "tests/api/openapi.txt").write_text(contract(document))


if __name__ == "__main__":
    write()
