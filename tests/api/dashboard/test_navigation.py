"""The menu: which pages it leads to, and which section a page belongs to."""

import pkgutil
import re

import pytest

from api.dashboard import pages
from api.dashboard.navigation import OUTSIDE, SECTIONS
from tests.support.apps import PAGES
from tests.support.rows import make_job


def test_every_module_with_pages_stands_in_one_section_or_outside_of_all():
    listed = [module.__name__ for section in SECTIONS for module in section.modules] + [m.__name__ for m in OUTSIDE]

    assert sorted(listed) == sorted(
        f"{pages.__name__}.{module.name}" for module in pkgutil.iter_modules(pages.__path__)
    )


def test_the_menu_leads_to_the_page_of_each_section(app, alice):
    menu = re.search("<nav aria-label=.*?</nav>", alice.get("/").text, re.DOTALL)[0]
    links = re.findall(r'href="([^"]*)"[^>]*>([^<]*)<', menu)

    assert [label for _, label in links] == [section.label for section in SECTIONS]
    assert {path for path, _ in links} <= set(PAGES)


@pytest.mark.parametrize(
    ("path", "label"), [("/", "Overview"), ("/jobs/new", "Jobs"), ("/jobs/{job}", "Jobs"), ("/keys", "API keys")]
)
def test_the_menu_marks_the_section_of_the_page(alice, path, label):
    job = make_job(alice.account, "scheduled", 60)

    text = alice.get(path.format(job=job.uuid)).text

    assert re.findall(r'aria-current="page">([^<]*)<', text) == [label]
