"""What the tests' own support must not get wrong."""

import socket

import psycopg
import pytest

from tests.support.browsers import Markup
from tests.support.databases import RUN, drop_left_behind
from tests.support.journeys import ports
from tests.support.recorded import ANEW, RECORD, Recorded
from tests.support.services import POSTGRES_URL

GONE = "booper_test_999999999"  # no session has this number


def test_databases_of_runs_that_are_gone_are_dropped_and_no_others(postgres_url):
    with psycopg.connect(POSTGRES_URL, autocommit=True, application_name=RUN) as session:
        session.execute(f"CREATE DATABASE {GONE}")

        drop_left_behind(session)

        names = {name for (name,) in session.execute("SELECT datname FROM pg_database")}
    assert GONE not in names
    assert postgres_url.rpartition("/")[2] in names


@pytest.fixture
def two_ports(monkeypatch):
    """Lets ports be drawn in an order; gives those that nobody has."""
    locks, order = [], []
    monkeypatch.setattr(ports, "_locks", locks)
    free = [ports.free_port() for _ in range(2)]
    let_go(locks)
    monkeypatch.setattr(ports.random, "randrange", lambda *_: order.pop(0))
    yield free, order
    let_go(locks)


def let_go(locks):
    while locks:
        locks.pop().close()


def test_a_port_is_given_to_one_alone(two_ports):
    (port, other), order = two_ports
    order += [port, port, other]

    assert [ports.free_port(), ports.free_port()] == [port, other]


def test_a_port_at_which_somebody_listens_is_given_to_nobody(two_ports):
    (port, other), order = two_ports
    order += [port, other]

    with socket.create_server(("127.0.0.1", port)):
        assert ports.free_port() == other


def test_no_port_is_one_of_those_that_the_kernel_gives_to_connections():
    with socket.create_server(("127.0.0.1", 0)) as server:
        of_the_kernel = server.getsockname()[1]
    first = int(ports.KERNEL_S_OWN.read_text().split()[0])

    assert ports.free_port() < first <= of_the_kernel


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """A folder with a text, "kept"."""
    monkeypatch.delenv(RECORD, raising=False)
    (tmp_path / "kept.txt").write_text("first\nsecond\n")
    return Recorded(tmp_path)


def test_a_text_that_is_as_recorded_passes(recorded):
    recorded.compare("kept", "first\nsecond\n")
    recorded.are_exactly(["kept"])


def test_a_text_that_differs_from_the_recorded_fails_with_the_lines_and_how_to_write_it_anew(recorded):
    with pytest.raises(AssertionError) as failure:
        recorded.compare("kept", "first\nanother\n")

    lines = str(failure.value).splitlines()
    assert ANEW in lines[0]
    assert lines[-3:] == [" first", "-second", "+another"]


@pytest.mark.parametrize("text", ["", "first\n"])
def test_a_text_that_was_never_recorded_fails(recorded, text):
    with pytest.raises(AssertionError, match="make recorded"):
        recorded.compare("missing", text)


def test_of_several_texts_each_that_differs_is_told(recorded):
    with pytest.raises(AssertionError) as failure:
        recorded.compare_all({"kept": "other\n", "missing": "new\n"})

    assert "kept is not as recorded" in str(failure.value)
    assert "missing is not as recorded" in str(failure.value)


def test_several_texts_that_are_as_recorded_pass(recorded):
    recorded.compare_all({"kept": "first\nsecond\n"})


def test_a_recorded_text_that_nothing_is_compared_with_is_noticed(recorded):
    with pytest.raises(AssertionError, match="'kept'"):
        recorded.are_exactly(["other"])


def test_recording_writes_what_differs_and_removes_what_is_compared_no_more(recorded, monkeypatch):
    monkeypatch.setenv(RECORD, "1")

    recorded.compare("pages/new", "third\n")
    recorded.are_exactly(["pages/new"])

    assert recorded.names() == {"pages/new"}
    assert (recorded.folder / "pages/new.txt").read_text() == "third\n"


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("<!doctype html><P Class='a>b' hidden>1<br/></P>", [("p", {"class": "a>b", "hidden": None}), ("br", {})]),
        ('<a href="/?a=1&amp;b=&lt;2" title="">x</a>', [("a", {"href": "/?a=1&b=<2", "title": ""})]),
        ('<a><b name="\'"><a>', [("a", {}), ("b", {"name": "'"}), ("a", {})]),
        ('<a title="<b>"></a>', [("a", {"title": "<b>"})]),
        ("<a title=x><canary>1 < 2", [("a", {"title": "x"}), ("canary", {})]),
        ('<p class=""canary=1><i>', [("p", {"class": "", "canary": "1"}), ("i", {})]),
        ("<!-- <b> --><i>", [("i", {})]),
        ("<Script><b></Script><i>", [("script", {}), ("i", {})]),
        ('<style media="print"><b></style><i>', [("style", {"media": "print"}), ("i", {})]),
        ("<script src='/a.js'></script><i>", [("script", {"src": "/a.js"}), ("i", {})]),
        ('<p title="a', []),
    ],
)
def test_each_tag_of_a_page_is_read_with_its_attributes_however_it_is_spelled(text, tags):
    assert Markup(text).tags == tags


def test_what_is_done_to_a_tag_changes_no_other_of_the_same_spelling():
    Markup('<p class="a">').tags[0][1]["class"] = "b"

    assert Markup('<p class="a">').tags == [("p", {"class": "a"})]
