"""Owns the walk through the dashboard: every page that links and forms lead to, each asked for once."""

from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.support.browsers import tags_of

MOST_ALIKE = 12  # pages of one route with the same names in their query
MOST_PAGES = 2_000
LINKS = ("href", "src", "data-whole", "data-preview", "data-retries", "data-badge")
TYPED = ("text", "search", "datetime-local")


class Page(NamedTuple):
    """A page of the dashboard. `linked_from`: the path of the page that leads there; "" for where the walk began."""

    path: str
    linked_from: str
    answer: object

    @property
    def tags(self):
        return tags_of(self.answer.text) if self.answer.mimetype == "text/html" else []


class Form(NamedTuple):
    """A form of a page: the fields that a person types into, and the others with what they hold."""

    action: str
    method: str
    typed: list
    others: dict


def walk(browser, *starts):
    """The pages that `starts` lead to by links, `starts` themselves first."""
    waiting, met, alike = [(path, "") for path in starts], set(starts), {}
    while waiting:
        path, linked_from = waiting.pop(0)
        kind = kind_of(browser, path)
        alike[kind] = alike.get(kind, 0) + 1
        if alike[kind] > MOST_ALIKE and linked_from:
            continue
        page = Page(path, linked_from, browser.get(path, headers={"Accept": "text/html"}))
        yield page
        new = [link for link in dict.fromkeys(links_of(page)) if link not in met]
        waiting += [(link, path) for link in new]
        met.update(new)
        assert len(met) < MOST_PAGES, "the walk does not end"


def kind_of(browser, path):
    """The route that a path leads to, and which names its query has."""
    route = route_of(browser.client.application, path)
    return route, tuple(sorted(parse_qs(urlsplit(path).query, keep_blank_values=True)))


def route_of(app, path):
    return app.url_map.bind("localhost").match(urlsplit(path).path)[0]


def links_of(page):
    """The addresses on this site that a page names; each of its links must be one."""
    for tag, attributes in page.tags:
        for name in LINKS:
            if name in attributes and not attributes[name].startswith("#"):
                assert attributes[name].startswith("/"), (page.path, tag, attributes)
                yield attributes[name].partition("#")[0]


def forms_of(page):
    """The forms of a page."""
    forms = []
    for tag, attributes in page.tags:
        if tag == "form":
            forms.append(Form(attributes.get("action", page.path), attributes.get("method", "get"), [], {}))
        elif not forms or not attributes.get("name"):
            continue
        elif tag == "textarea" or (tag == "input" and attributes.get("type", "text") in TYPED):
            forms[-1].typed.append(attributes["name"])
        elif tag in ("input", "select"):
            forms[-1].others.setdefault(attributes["name"], attributes.get("value") or "")
    return forms
