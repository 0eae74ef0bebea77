"""The site of the documents: every page is in its menu, and nothing is loaded from elsewhere."""

import yaml

from tests.support.documents import ROOT

SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text())


def test_every_page_of_the_documents_is_in_the_menu_once():
    listed = [page for section in SITE["nav"] for pages in section.values() for page in pages]
    assert sorted(listed) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def test_the_site_loads_nothing_from_elsewhere():
    """The plugin `offline` would load a script from a CDN."""
    assert SITE["theme"]["font"] is False
    assert SITE["plugins"] == ["search"]
    assert not {"extra_javascript", "extra_css"} & set(SITE)
