"""Visits pages as somebody with a browser does, and notes what they show."""

import re
from contextlib import contextmanager
from copy import copy
from html import unescape
from urllib.parse import unquote

from models.database.connection import database
from tests.support.recorded_account.fixed import with_names
from tests.support.recorded_account.markup import brief, lines, shortened, tree_of
from tests.support.recorded_account.rows import count_on_from

FIRST_NEW = 5001  # the integer of what is made by a visit

USUAL = "200 text/html"
TITLE = re.compile("<title>(.*)</title>\n<link")  # of the page, not of a mark in a picture
CONTENT = re.compile('(<div class="page">|<main>).*</main>(\n</div>)?', re.DOTALL)
UNREACHABLE = re.compile('<p [^>]*id="unreachable"[^>]*></p>')
SHOWN_HEADERS = ("Location", "Retry-After", "Content-Disposition")


class Visits:
    """`texts`: what was noted so far, by the name of the file that it is for."""

    def __init__(self, browser, counted, monkeypatch):
        self.browser, self.counted, self.monkeypatch, self.texts = browser, counted, monkeypatch, {}
        for name in ("keep_connection", "drop_if_stale"):  # they would end the transaction of a visit
            monkeypatch.setattr(f"api.app.{name}", lambda: None)

    def of(self, browser):
        """The visits of another browser, noted in the same files."""
        other = copy(self)
        other.browser = browser
        return other

    def page(self, name, path, what=lines, **options):
        """Note a page. `what`: `lines` for the whole of it, `brief` for what differs between its variations."""
        self.note(name, f"GET {path}", self.get(path, **options), what)

    def pages(self, name, *paths, what=brief):
        for path in paths:
            self.page(name, path, what)

    def send(self, name, path, /, then=brief, **fields):
        """Note what comes of a form, and the page to which it leads. Nothing of that stays."""
        with self.undone():
            answer = self.browser.send(path, None, **fields)
            spelled = " ".join(f"{field}={shortened(str(value))}" for field, value in fields.items())
            self.note(name, repr(f"POST {path} {spelled}".strip())[1:-1], answer, then)
            if answer.status_code == 303 and then:
                self.page(name, answer.location, then)

    def get(self, path, **options):
        return self.browser.get(path, **{"headers": {"Accept": "text/html"}, **options})

    @contextmanager
    def undone(self):
        """What happens in the block leaves nothing in the database."""
        count_on_from(FIRST_NEW)
        self.counted.begin_again()
        with database.atomic() as transaction:
            yield
            transaction.rollback()

    @contextmanager
    def limited(self, **limits):
        """In the block these constants are as low as that. A name has `__` in the place of each dot."""
        with self.monkeypatch.context() as patched:
            for name, limit in limits.items():
                patched.setattr(name.replace("__", "."), limit)
            yield

    def note(self, name, title, answer, what=lines):
        kind = f"{answer.status_code} {answer.mimetype}"
        said = [f"=== {title}", *([] if kind == USUAL else [kind])]
        said += [f"{each}: {unquote(answer.headers[each])}" for each in SHOWN_HEADERS if each in answer.headers]
        said += [f"Allow: {', '.join(sorted(answer.allow))}"] if answer.allow else []
        said += self.content(answer, what)
        answer.close()  # which gives back the place of a stream
        self.texts.setdefault(name, []).append(with_names("\n".join(said)) + "\n")

    def content(self, answer, what):
        if answer.mimetype != "text/html":
            return answer.text.splitlines()
        if answer.status_code == 303:
            return []
        title, content = TITLE.search(answer.text), CONTENT.search(answer.text)
        whole = getattr(what, "is_of_whole_page", False) or not content
        shown = what(tree_of(answer.text if whole else UNREACHABLE.sub("", content[0])))
        return [*([f"title | {unescape(title[1])}"] if title and what is lines else []), *shown]

    def files(self):
        return {name: "\n".join(noted) for name, noted in self.texts.items()}
