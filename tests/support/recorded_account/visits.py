"""Visits pages as somebody with a browser does, and notes what they show."""

from contextlib import contextmanager
from urllib.parse import unquote

from models.database.connection import database
from tests.support.browsers import Browser
from tests.support.recorded_account import account
from tests.support.recorded_account.fixed import with_names
from tests.support.recorded_account.markup import brief, lines, tree_of

SHOWN_HEADERS = ("Location", "Retry-After", "Allow", "Content-Disposition")


class Visits:
    """`texts`: what was noted so far, by the name of the file that it is for."""

    def __init__(self, browser, counted, monkeypatch):
        self.browser, self.counted, self.texts = browser, counted, {}
        for name in ("keep_connection", "drop_if_stale"):  # they would end the transaction of a visit
            monkeypatch.setattr(f"api.app.{name}", lambda: None)

    def page(self, name, path, what=lines, **options):
        """Note a page. `what`: `lines` for the whole of it, `brief` for what differs between its variations."""
        self.note(name, f"GET {path}", self.get(path, **options), what)

    def pages(self, name, *paths, what=brief):
        for path in paths:
            self.page(name, path, what)

    def send(self, name, path, then=brief, headers=None, **fields):
        """Note what comes of a form, and the page to which it leads. Nothing of that stays."""
        with self.undone():
            answer = self.browser.client.post(path, data={"csrf": self.browser.token(), **fields}, headers=headers)
            spelled = " ".join(f"{field}={value}" for field, value in fields.items())
            self.note(name, f"POST {path} {spelled}".strip(), answer, then)
            if answer.status_code == 303 and then:
                self.page(name, answer.location, then)

    def get(self, path, **options):
        return self.browser.get(path, **{"headers": {"Accept": "text/html"}, **options})

    @contextmanager
    def undone(self):
        """What happens in the block leaves nothing in the database."""
        account.count_anew()
        self.counted.begin_again()
        with database.atomic() as transaction:
            yield
            transaction.rollback()

    def note(self, name, title, answer, what=lines):
        said = [f"=== {title}", f"{answer.status_code} {answer.mimetype}"]
        said += [f"{each}: {unquote(answer.headers[each])}" for each in SHOWN_HEADERS if each in answer.headers]
        said += self.content(answer, what)
        self.texts.setdefault(name, []).append(with_names("\n".join(said)) + "\n")

    def content(self, answer, what):
        if answer.mimetype != "text/html":
            return answer.text.splitlines()
        if answer.status_code == 303:
            return []
        root = tree_of(answer.text)
        title = [f"title | {each.text}" for each in root if each.tag == "title" and not inside_picture(root, each)]
        bodies = [each for each in root if each.kind == "div.page" or (each.tag == "main" and not title)]
        whole = bodies[0] if bodies else root
        return [*title[:1], *what(whole)]

    def files(self):
        return {name: "\n".join(noted) for name, noted in self.texts.items()}


def inside_picture(root, title):
    return any(each.tag == "svg" and title in list(each) for each in root)


def anybody(app):
    return Browser(app)
