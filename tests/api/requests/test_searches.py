"""GET /api/jobs by label, host, text and time of creation, and labels themselves."""

import pytest

from models.database.sql import execute, fetch
from models.jobs import job_lists
from tests.support.api_client import FORM, URL, errors_of, one_database
from tests.support.listings import ids_of, next_of, pages_of


def search(client, **query):
    return ids_of(client.get("/api/jobs", query_string={"limit": 100, **query}))


def test_labels_are_echoed_and_find_their_jobs_newest_first(client):
    first = client.created(labels=["a", "é b"])
    second = client.created(labels=["a"])
    client.created(), client.created(labels=[]), client.created(labels=None)
    assert first["args"]["labels"] == ["a", "é b"]
    assert search(client, label="a") == [second["id"], first["id"]]
    assert search(client, label="é b") == [first["id"]]
    assert search(client, label="b") == []
    assert fetch("SELECT count(*) FROM job_label") == [(3,)]


def test_labels_of_a_batch_and_of_a_form_are_kept_alike(client):
    answer = client.post("/api/jobs/batch", json={"jobs": [{"url": URL, "labels": ["x"]}, {"url": URL}]})
    form = client.post("/api/jobs", data=f"url={URL}&labels[]=x&labels[]=y", content_type=FORM)
    assert search(client, label="x") == [form.json["data"]["id"], answer.json["data"][0]["id"]]


def test_a_request_answered_with_a_live_job_adds_no_label(client):
    client.created(idempotency_key="k", labels=["a"])
    assert client.create(idempotency_key="k", labels=["b"]).status_code == 200
    assert search(client, label="b") == []


def test_a_label_of_another_account_finds_nothing(client, stranger):
    stranger.created(labels=["a"])
    assert search(client, label="a") == []


@one_database
@pytest.mark.parametrize(
    "labels", ["a", {"a": 1}, ["a"] * 2, [""], ["a" * 51], [1], [None], ["a\n"], [["a"]], [f"l{n}" for n in range(11)]]
)
def test_wrong_labels_are_refused(client, labels):
    assert set(errors_of(client.create(labels=labels))) == {"labels"}


@pytest.mark.parametrize(
    "label",
    [
        "\u0915\u094d\u200d\u0937",  # Hindi, with a joiner
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian, with a non-joiner
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",  # a family of one emoji
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # the flag of England
        "\U0001fae8",  # newer than the tables of Python 3.11
        "\u8acb\u6c42\u3000\u66f8",  # Japanese, with its own space
        "a\u00a0b",
    ],
)
def test_a5_labels_of_every_language_are_taken_and_found(client, label):
    job = client.created(labels=[label])

    assert job["args"]["labels"] == [label]
    assert search(client, label=label) == [job["id"]]


@one_database
@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u2028", "\u2029", "\x85", "\x1b", "\x7f"])
def test_a_label_that_would_turn_or_break_a_line_is_refused(client, mark):
    assert set(errors_of(client.create(labels=[f"a{mark}b"]))) == {"labels"}


@one_database
def test_as_many_and_as_long_labels_as_allowed_are_taken(client):
    labels = [f"{n}" * 50 for n in range(10)]
    assert client.created(labels=labels)["args"]["labels"] == labels


def test_a_host_finds_its_jobs_in_any_spelling(client):
    here = client.created(url="https://EXAMPLE.com./a")["id"]
    client.created(url="https://www.example.com/")
    six = client.created(url="https://[2001:db8:0::1]/")["id"]
    assert search(client, host="example.com") == search(client, host="Example.COM.") == [here]
    assert search(client, host="2001:db8::1") == search(client, host="[2001:db8::1]") == [six]


def test_a_text_is_found_in_url_and_name_whatever_its_case(client):
    by_url = client.created(url="https://example.com/Invoices?x=50%25_a")["id"]
    by_name = client.created(name="Nightly INVOICE é'")["id"]
    assert search(client, text="invoice") == [by_name, by_url]
    assert search(client, text="50%25_A") == [by_url]
    assert search(client, text="é'") == [by_name]
    assert search(client, text="0_2") == search(client, text="50%a") == []
    client.created(body="hidden", headers={"X-Secret": "hidden"})
    assert search(client, text="hidden") == []


def test_times_select_the_jobs_created_from_one_instant_until_another(client, moved_clock):
    made, start = [], moved_clock.now // 1_000_000
    for _ in range(4):
        made.append(client.created(labels=["a"])["id"])
        moved_clock.advance(seconds=1)
    for more in ({}, {"label": "a"}, {"host": "example.com"}):
        assert search(client, after=start + 1, before=start + 3, **more) == made[2:0:-1]
        assert search(client, after="2026-01-01T09:00:03Z", **more) == [made[3]]
        assert search(client, before="2026-01-01T09:00:00.000001", **more) == [made[0]]


def test_all_filters_hold_at_once(client):
    wanted = client.created(labels=["a"], name="one")["id"]
    client.created(labels=["a"], name="two")
    client.created(labels=["a"], name="one", schedule_in=60)
    client.created(labels=["b"], name="one")
    client.created(labels=["a"], name="one", url="https://other.example/")
    callback = client.created(labels=["a"], name="one")["job_id"]
    execute("UPDATE job SET kind = 'callback' WHERE id = %s", (callback,))
    assert search(client, label="a", text="one", host="example.com", state="available") == [wanted]


QUERIES = [{"text": "wanted"}, {"host": "wanted.example"}, {"label": "all", "text": "wanted"}]


@pytest.fixture
def scattered(client, moved_clock, monkeypatch):
    """Thirty jobs of which four are wanted; a page looks at five."""
    monkeypatch.setattr(job_lists, "LOOKED_AT", 5)
    wanted = []
    for number in range(30):
        moved_clock.advance(seconds=number % 2)
        host = "wanted" if number in (3, 4, 17, 29) else "other"
        job = client.created(url=f"https://{host}.example/", labels=["all"])["id"]
        wanted += [job] if host == "wanted" else []
    moved_clock.advance(seconds=2)
    return wanted


@pytest.mark.parametrize("way", ["asc", "desc"])
@pytest.mark.parametrize("query", QUERIES)
def test_a_search_looks_at_so_many_jobs_a_page_and_goes_on(client, scattered, query, way):
    address = "/api/jobs?limit=2&" + "&".join(f"{n}={v}" for n, v in query.items()) + f"&order_by=inserted_at,{way}"
    pages = list(pages_of(client, address))
    assert sum(pages, []) == (scattered if way == "asc" else scattered[::-1])
    assert [] in pages
    assert 6 <= len(pages) <= 8


@pytest.mark.parametrize("query", QUERIES)
def test_a_job_added_while_a_search_looks_makes_it_miss_none(client, scattered, monkeypatch, query, moved_clock):
    def edge_then_add(*arguments):
        edge = looked(*arguments)
        for _ in range(3):
            client.created(url="https://other.example/", labels=["all"])
        return edge

    looked = job_lists._edge
    moved_clock.advance(seconds=1)
    monkeypatch.setattr(job_lists, "_edge", edge_then_add)

    address = "/api/jobs?limit=2&" + "&".join(f"{n}={v}" for n, v in query.items())

    assert sum(pages_of(client, address), []) == scattered[::-1]


def test_a_label_alone_goes_on_until_its_last_job(client, moved_clock):
    made = [client.created(labels=["a"])["id"] for _ in range(5)]
    assert list(pages_of(client, "/api/jobs?label=a&limit=2")) == [made[:2:-1], made[2:0:-1], made[:1]]
    assert next_of(client.get("/api/jobs?label=a&limit=5")) is None


@one_database
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("label=", "label"),
        ("label=" + "a" * 51, "label"),
        ("label=a&label=b", "label"),
        ("label=a%00", "label"),
        ("host=", "host"),
        ("host=a/b", "host"),
        ("host=a@b", "host"),
        ("host=a:80", "host"),
        ("host=a%20b", "host"),
        ("text=", "text"),
        ("text=" + "a" * 201, "text"),
        ("text=a%00b", "text"),
        ("after=x", "after"),
        ("after=", "after"),
        ("before=1e5", "before"),
        ("before=9999999999999999999", "before"),
        ("host=a&offset=1", "offset"),
        ("label=a&order_by=job_id,asc", "order_by"),
        ("text=a&order_by=name,asc", "order_by"),
    ],
)
def test_a_wrong_search_is_refused(client, query, field):
    assert set(errors_of(client.get(f"/api/jobs?{query}"))) == {field}
