"""The site of the documents: every page is in its menu, and nothing is loaded from elsewhere."""

import yaml

from api import create_app
from runtime import settings
from tests.support import reference_pages
from tests.support.documents import ROOT

SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text())


def test_every_page_of_the_documents_is_in_the_menu_once():
    listed = [page for section in SITE["nav"] for pages in section.values() for page in pages]
    generated = [f"generated/{path.name}" for path in (reference_pages.OPERATIONS, reference_pages.COMMANDS)]
    assert sorted(listed) == sorted([*(path.name for path in (ROOT / "docs").glob("*.md")), *generated])


def test_the_menu_has_the_four_kinds_of_documents():
    assert [kind for section in SITE["nav"] for kind in section] == ["Tutorial", "How to", "Reference", "Explanation"]


def test_the_generated_pages_have_every_operation_and_every_command():
    http = create_app(settings.load({})).test_client()
    document = http.get("/api/openapi.json").json
    operations = reference_pages.operations(http)
    named = [
        f"### {method.upper()} {path}\n"
        for path, item in document["paths"].items()
        for method in item
        if method != "parameters"
    ]

    assert len(named) > 60
    assert [heading for heading in named if operations.count(heading) != 1] == []
    assert "| `schedule_in` |" in operations
    page = reference_pages.commands()
    for words in ("serve", "keys create", "doctor", "jobs list", "schedules apply"):
        assert f"### booper {words}\n" in page


def test_the_site_loads_nothing_from_elsewhere():
    """The plugin `offline` would load a script from a CDN."""
    assert SITE["theme"]["font"] is False
    assert SITE["plugins"] == ["search"]
    assert not {"extra_javascript", "extra_css"} & set(SITE)
