"""The pages of flows, lanes and hosts: what they show, their pauses, and what is refused or belongs to others."""

import html

import pytest

from api.dashboard.timelines import host_table
from models.database.transactions import transaction
from models.flows import breakers, closing, gates
from models.flows.breakers import HostName
from models.jobs.job_tables import Job
from models.rules import clock
from models.rules.limits import ACCOUNT, FLOW, HOST, LANE, Limits
from tests.support.attempt_rows import attempted_job
from tests.support.browsers import Markup
from tests.support.rows import make_job

SVG = "<svg/onload=alert(1)>"
KINDS = [("/flows", FLOW), ("/lanes", LANE), ("/hosts", HOST)]


def gate_of(browser, kind, key):
    return gates.find(browser.account.id, kind, key)


def made(browser, kind, key):
    return gates.ensure(browser.account.id, kind, key, clock.now())


@pytest.mark.parametrize(("path", "kind"), KINDS)
def test_a_gate_is_paused_with_reason_and_end_and_resumed(alice, path, kind):
    made(alice, kind, "shop-42")

    answer = alice.send(f"{path}/pause", key="shop-42", reason="deploy", until="2999-01-01T10:00", text="shop")
    assert answer.status_code == 422  # too far ahead
    answer = alice.send(f"{path}/pause", key="shop-42", reason="deploy", text="shop")

    assert answer.location == f"{path}?text=shop&note=paused"
    assert "deploy" in alice.get(path).text
    assert gate_of(alice, kind, "shop-42").reason == "deploy"
    assert alice.send(f"{path}/resume", key="shop-42").location == f"{path}?note=resumed"
    assert gate_of(alice, kind, "shop-42").paused_at is None
    assert "deploy" not in alice.get(path).text


@pytest.mark.parametrize(("path", "kind"), KINDS)
def test_a_pause_that_cant_be_taken_says_why_and_pauses_nothing(alice, path, kind):
    made(alice, kind, "shop-42")

    for fields in ({"until": "yesterday"}, {"until": "2001-01-01T00:00"}, {"reason": "x" * 256}):
        answer = alice.send(f"{path}/pause", key="shop-42", **fields)

        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert gate_of(alice, kind, "shop-42").paused_at is None


@pytest.mark.parametrize(("path", "kind"), KINDS)
def test_a_pause_that_cant_be_taken_is_shown_as_it_was_typed(alice, path, kind):
    made(alice, kind, "shop-42")
    typed = {"key": "shop-42", "reason": "deploy", "until": "2001-01-01T10:00", "zone": "Europe/Berlin"}

    text = html.unescape(alice.send(f"{path}/pause", **typed).text)

    assert 'got "2001-01-01T10:00"' in text
    form = text.split('class="stack"')[1].split("</form>")[0]
    for name in ("key", "reason", "until"):
        assert f'value="{typed[name]}"' in form
    assert f'action="{path}/pause"' in text


@pytest.mark.parametrize(("path", "kind"), KINDS)
def test_a_pause_that_cant_be_taken_is_on_the_tab_of_its_list(alice, path, kind):
    """A lane's was on the tab of the flows."""
    made(alice, kind, "shop-42")

    text = alice.send(f"{path}/pause", key="shop-42", until="yesterday").text

    tabs = text.split('class="tabs"')[1].split("</nav>")[0]
    assert [link["href"] for _, link in Markup(tabs).tags if link.get("aria-current")] == [path]


@pytest.mark.parametrize(("path", "kind"), KINDS)
@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC"])
def test_a_pause_that_cant_be_taken_says_in_which_zone_its_end_is(alice, path, kind, zone):
    """The form takes the reader's zone; what was wrong spoke of UTC, as the API does."""
    made(alice, kind, "shop-42")

    text = alice.send(f"{path}/pause", key="shop-42", until="2001-01-01T10:00", zone=zone).text

    assert f"(without a zone: {zone})" in text


@pytest.mark.parametrize(("path", "kind"), KINDS)
def test_a_pause_that_is_not_sent_yet_is_empty(alice, path, kind):
    made(alice, kind, "shop-42")
    assert "Pause shop-42" not in alice.get(f"{path}?reason=deploy&until=2001-01-01T10:00").text
    assert "deploy" not in alice.get(f"{path}?reason=deploy").text


def test_a_pause_of_the_account_that_cant_be_taken_is_shown_as_it_was_typed(alice):
    text = alice.send("/pause", reason="deploy", until="2001-01-01T10:00").text
    form = text.split('id="pause-account" open>')[1].split("</form>")[0]
    assert 'value="deploy"' in form
    assert 'value="2001-01-01T10:00"' in form


def test_a_host_that_is_none_is_shown_as_it_was_typed(alice, moved_clock):
    text = alice.send("/hosts/pause", key="a b/c", reason="deploy").text
    assert 'value="a b/c"' in text
    assert 'value="deploy"' in text


def test_after_a_pause_that_cant_be_taken_the_list_is_the_one_before(alice, moved_clock):
    """Its search was lost, and of hosts the table of the last hour."""
    attempted_job(alice.account, 60, host="shop.example")
    text = alice.send("/hosts/pause", key="other.example", until="2001-01-01T10:00").text
    assert "Last hour" in text
    made(alice, LANE, "shop-42"), made(alice, LANE, "other")
    text = alice.send("/lanes/pause", key="shop-42", text="shop", until="2001-01-01T10:00").text
    assert "<bdi>shop-42</bdi>" in text
    assert "<bdi>other</bdi>" not in text


@pytest.mark.parametrize(
    ("hosts", "text", "note"),
    [
        (2, "", None),
        (3, "", "1 more host had attempts. Those with most failures are shown. The search finds the others."),
        (4, "", "2 more hosts had attempts. Those with most failures are shown. The search finds the others."),
        (4, "host", "2 more hosts with this text had attempts. Those with most failures are shown. A longer text"),
        (4, "host-1", None),
    ],
)
def test_the_table_of_hosts_says_how_many_it_leaves_out(alice, moved_clock, monkeypatch, hosts, text, note):
    monkeypatch.setattr(host_table, "SHOWN", 2)
    for number in range(hosts):
        attempted_job(alice.account, 60 + number, host=f"host-{number}.example")

    page = alice.get(f"/hosts?text={text}").text

    assert (note or "Last hour") in page
    assert ("had attempts" in page) == (note is not None)


@pytest.mark.parametrize(("path", "kind"), KINDS)
def test_the_gates_of_others_are_neither_shown_nor_changed(alice, bob, path, kind):
    made(alice, kind, "secret-key")
    closing.pause(alice.account.id, kind, "secret-key", None, "secret-reason", clock.now())

    assert "secret" not in bob.get(path).text
    assert "secret" not in bob.get(f"{path}?text=secret-").text.replace('value="secret-"', "")
    assert bob.send(f"{path}/resume", key="secret-key").status_code == 404
    assert kind == HOST or bob.send(f"{path}/pause", key="secret-key").status_code == 404
    assert gate_of(alice, kind, "secret-key").paused_at is not None


@pytest.mark.parametrize(("path", "kind"), KINDS)
def test_hostile_keys_and_reasons_are_text(alice, path, kind):
    made(alice, kind, SVG)
    key = "a.example" if kind == HOST else SVG  # a host that none can be is refused

    refused = alice.send(f"{path}/pause", key=f"{SVG}/", reason=SVG, text=SVG)
    alice.send(f"{path}/pause", key=key, reason=SVG, text=SVG)

    assert refused.status_code == (422 if kind == HOST else 404)
    assert SVG not in refused.text
    assert gate_of(alice, kind, key).reason == SVG
    for address in (path, f"{path}?text={SVG}"):
        text = alice.get(address).text
        assert SVG not in text
        assert "&lt;svg/onload=alert(1)&gt;" in text
        assert not [tag for tag, fields in Markup(text).tags if tag == "svg" and "onload" in fields]


@pytest.mark.parametrize(("path", "kind"), KINDS)
def test_a_list_is_searched_by_key_and_has_pages(alice, path, kind):
    for number in range(30):
        made(alice, kind, f"shop-{number:02}.example")
    first = alice.get(path).text

    (older,) = [fields["href"] for _, fields in Markup(first).tags if fields.get("rel") == "next"]

    assert ">shop-29.example<" in first
    assert ">shop-04.example<" not in first
    assert ">shop-04.example<" in alice.get(older).text
    answer = alice.get(f"{path}?text=SHOP-07").text
    assert ">shop-07.example<" in answer
    assert ">shop-08.example<" not in answer
    assert alice.get(f"{path}?cursor=x").status_code == 422


def test_a_flow_shows_its_limits_and_what_waits(alice):
    gate = made(alice, FLOW, "shop-42")
    gates.set_limits(gate, Limits(1000, clock.MINUTE, 3), True, clock.now())
    job = make_job(alice.account, "scheduled", -5)
    Job.update(flow_id=gate.id, parked_by=gate.id).where(Job.id == job.id).execute()

    text = alice.get("/flows").text

    assert "1,000 in 1 min, 3 at once" in text
    assert '1<span class="narrow-only"> waiting' in text


def test_a_host_that_fails_is_opened_by_hand(alice):
    now, host = clock.now(), "api.example.com"
    with transaction():
        breakers.failed(HostName(alice.account.id, host), 20, 20, now)
    assert ">held back<" in alice.get("/hosts").text

    alice.send("/hosts/resume", key=host)

    assert gate_of(alice, HOST, host).probe_at is None
    assert gate_of(alice, HOST, host).failures == 0
    assert ">held back<" not in alice.get("/hosts").text


def test_a_host_that_fails_and_is_not_held_back_yet_is_not_called_open(alice):
    """One table of the page said so, and the other one that it fails."""
    with transaction():
        breakers.failed(HostName(alice.account.id, "api.example.com"), 3, 20, clock.now())

    text = alice.get("/hosts").text

    assert (">failing<" in text, ">open<" in text) == (True, False)


def test_a_host_that_asked_for_rest_says_so(alice):
    closing.rest(made(alice, HOST, "api.example.com").id, clock.now() + clock.MINUTE, clock.now())
    assert ">resting<" in alice.get("/hosts").text


def test_a_host_that_was_never_held_back_can_be_paused(alice):
    alice.send("/hosts/pause", key=" API.example.com ")
    assert gate_of(alice, HOST, "api.example.com").paused_at is not None
    assert alice.send("/hosts/pause", key="").status_code == 422


def test_the_pause_of_the_account_stands_on_every_page_of_this_account_alone(alice, bob):
    assert alice.send("/pause", reason=SVG).location == "/hosts?note=paused"

    for path in ("/", "/jobs", "/flows", "/keys"):
        text = alice.get(path).text
        assert "The account is paused" in text
        assert SVG not in text
        assert "The account is paused" not in bob.get(path).text
    assert alice.send("/resume").location == "/hosts?note=resumed"
    assert gate_of(alice, ACCOUNT, "").paused_at is None
    assert "The account is paused" not in alice.get("/").text


def test_an_account_whose_pause_is_over_says_nothing(alice):
    closing.pause(alice.account.id, ACCOUNT, "", clock.now() - 1, None, clock.now() - clock.MINUTE)
    assert "The account is paused" not in alice.get("/").text
