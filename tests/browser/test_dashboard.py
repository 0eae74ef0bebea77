"""A person's way through the dashboard, in a real browser against the real product."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.support.apps import PAGES
from tests.support.readers import in_both_browsers
from tests.support.waiting import wait_until

STATE = ".facts .state"


def fill_in_order(reader, url, **fields):
    """Fill in the form and send it; the job's page comes next."""
    page = reader.page
    reader.go("/jobs/new")
    page.get_by_label("URL", exact=True).fill(url)
    for label, value in fields.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Create").click()
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}"))


def test_a_job_is_ordered_watched_run_again_and_cancelled(reader, receiver):
    page = reader.page
    reader.go("/jobs/new")
    page.get_by_label("URL", exact=True).fill(f"http://127.0.0.1:{receiver.port}/ok")
    page.get_by_role("textbox", name="Body").fill('{"hello": "world"}')
    page.get_by_label("amount", exact=True).fill("2")
    expect(page.locator("#preview time")).to_have_attribute("datetime", re.compile(r"Z$"))
    expect(page.locator("#preview")).to_contain_text("in 1 s")
    page.get_by_role("button", name="Create").click()

    expect(page.locator(STATE)).to_have_text("scheduled")
    expect(page.locator(".why")).to_contain_text("It is not due before")
    page.evaluate("window.sameDocument = true")
    expect(page.locator(STATE)).to_have_text("completed")
    expect(page.locator(".attempt pre").first).to_contain_text("POST")
    assert page.evaluate("window.sameDocument") is True

    first = page.url
    page.get_by_role("button", name="Run again").click()
    page.wait_for_url(lambda url: "/jobs/" in url and url != first)
    expect(page.locator(STATE)).to_have_text("completed")
    assert receiver.arrived() == 2

    page.get_by_role("link", name="Edit and run again").click()
    expect(page.get_by_role("textbox", name="Body")).to_have_value('{"hello": "world"}')
    page.get_by_label("amount", exact=True).fill("600")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(STATE)).to_have_text("cancelled")
    expect(page.get_by_role("status")).to_have_text("Cancelled.")

    page.set_viewport_size({"width": 360, "height": 800})
    reader.go("/jobs?state=cancelled")
    row = page.locator("tbody tr").first
    assert re.fullmatch(r"cancelled\s.*\n(now|\d+ s ago)", row.inner_text().strip())


def test_a_time_that_was_typed_before_the_script_came_counts(reader):
    """A job for in ten minutes went out at once where the script was slow to come."""
    page, held = reader.page, []
    page.route("**/booper.js*", lambda route: held.append(route))  # noqa: PLW0108 - playwright marks it
    page.goto(f"{reader.base}/jobs/new", wait_until="commit")
    page.get_by_label("amount", exact=True).fill("600")
    radio = page.locator(".time:has(input[name=amount]) input[type=radio]")
    expect(radio).not_to_be_checked()

    held[0].continue_()

    expect(radio).to_be_checked()
    page.unroute("**/booper.js*")


def test_a_times_preview_is_in_the_readers_own_time(reader):
    page = reader.page
    reader.go("/jobs/new")
    page.get_by_label("date and time").fill("2026-12-24T18:00:00")
    expect(page.locator("#preview")).to_contain_text("2026-12-24 18:00:00")
    expect(page.locator("#preview")).to_contain_text("2026-12-24 17:00:00 UTC")


def test_a_wrong_time_is_announced_once_for_each_change(reader):
    """What is wrong with a time is told once and anew while it is mended."""
    page = reader.page
    reader.go("/jobs/new")
    page.get_by_label("URL", exact=True).fill("https://example.com/")
    page.get_by_role("textbox", name="Body").fill("{nope")
    page.get_by_label("amount", exact=True).fill("soon")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("#body-problem")).to_contain_text("must be JSON")
    expect(page.get_by_text("must be a number of seconds")).to_have_count(1)
    page.get_by_label("amount", exact=True).fill("60")
    expect(page.locator("#preview")).to_contain_text(re.compile(r"in 5\d s|in 1 min"))
    expect(page.get_by_text("must be a number of seconds")).to_have_count(0)

    reader.complaints.clear()  # of the answer 422


def test_the_chosen_failures_are_run_again_together(reader, receiver):
    page = reader.page
    for number in range(3):
        fields = {"Name": f"fails {number}", "Maximum attempts": "1"}
        fill_in_order(reader, f"http://127.0.0.1:{receiver.port}/status/500", **fields)
    expect(page.locator(STATE)).to_have_text("discarded")

    reader.go("/jobs?state=discarded&text=fails")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_label("Select all shown").check()
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_role("status")).to_contain_text("A new job was created for each")
    expect(page.locator("tbody tr")).to_have_count(6)  # live: the new ones end as the old ones did

    reader.go("/failures")
    expect(
        page.get_by_role("row", name="discarded").get_by_role("cell", name="answered 500 Internal Server Error")
    ).to_be_visible()


def test_enter_in_a_checkbox_does_nothing_to_the_chosen_jobs(reader, receiver):
    page = reader.page
    fill_in_order(reader, f"http://127.0.0.1:{receiver.port}/ok", **{"amount": "600", "Name": "kept"})
    job = page.url
    reader.go("/jobs?text=kept")
    for scripted in (True, False):
        if not scripted:  # what the page does by itself, when its script is not there
            page.evaluate("addEventListener('keydown', (event) => event.stopImmediatePropagation(), true)")
        box = page.get_by_role("checkbox", name="Job ")
        box.check()
        box.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Nothing was selected.")
    page.goto(job)
    expect(page.locator(STATE)).to_have_text("scheduled")


def test_a_long_curl_command_is_copied_whole(open_reader, receiver):
    reader = open_reader(permissions=["clipboard-read", "clipboard-write"])
    reader.sign_in()
    page, body = reader.page, "x" * 50_000
    fill_in_order(reader, f"http://127.0.0.1:{receiver.port}/ok", **{"Body": f'"{body}"', "amount": "600"})
    page.get_by_text("As a curl command").click()
    expect(page.locator("#curl")).to_contain_text("curl -X POST")
    assert len(page.locator("#curl").text_content()) < 5000
    page.get_by_role("button", name="Copy the whole command").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert body in page.evaluate("navigator.clipboard.readText()")


def test_a_schedule_is_made_disabled_and_enabled(reader, receiver):
    page = reader.page
    reader.go("/jobs/new?when=cron")
    page.get_by_label("URL", exact=True).fill(f"http://127.0.0.1:{receiver.port}/ok")
    page.get_by_label("Name").fill("heartbeat")
    page.get_by_label("cron expression").fill("30 2 * * *")
    page.get_by_label("time zone").fill("Europe/Berlin")
    expect(page.locator("#preview")).to_contain_text("Around the next clock change")
    page.get_by_label("interval", exact=True).fill("1")
    page.get_by_label("interval unit").select_option("seconds")
    expect(page.locator("#preview")).to_contain_text("Every second")
    page.get_by_role("button", name="Create").click()
    page.wait_for_url(re.compile(r"/schedules/[0-9a-f-]{36}"))
    expect(page.locator("#schedule .strip .succeeded").nth(1)).to_be_visible()  # live, as the seconds pass

    page.get_by_role("button", name="Disable").click()
    expect(page.locator(STATE)).to_have_text("disabled")

    page.get_by_role("button", name="Enable").click()
    expect(page.locator(STATE)).to_have_text("on time")

    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_role("button", name="Enable")).to_be_visible()


def test_the_log_grows_by_itself(reader, receiver):
    page = reader.page
    reader.go("/logs")
    expect(page.locator("#tail-state")).to_have_text("live")

    before = page.locator("#entries tr").count()
    reader.page.request.post(
        f"{reader.base}/api/jobs",
        data={"method": "post", "url": f"http://127.0.0.1:{receiver.port}/ok"},
        headers={"Authorization": "Bearer sk_public_20230921"},
    )
    expect(page.locator("#entries tr")).to_have_count(before + 2)
    expect(page.locator("#entries tr").first).to_contain_text("http.response")


def order(reader, receiver, **fields):
    """The UUID of a fresh job."""
    answer = reader.page.request.post(
        f"{reader.base}/api/jobs",
        data={"method": "post", "url": f"http://127.0.0.1:{receiver.port}/ok", **fields},
        headers={"Authorization": "Bearer sk_public_20230921"},
    )
    return answer.json()["data"]["id"]


@in_both_browsers
def test_a_job_that_failed_is_retried_now_and_the_page_follows(reader, receiver):
    page = reader.page
    job = order(reader, receiver, url=f"http://127.0.0.1:{receiver.port}/fail-then-ok/1", backoff={"fixed": 3600})
    reader.go(f"/jobs/{job}")
    expect(page.locator(STATE)).to_have_text("retryable")

    page.get_by_role("button", name="Retry now").click()

    expect(page.locator(STATE)).to_have_text("completed")
    expect(page.locator("details.attempt")).to_have_count(2)
    expect(page.locator(".ladder circle")).to_have_count(2)


def test_a_group_of_targets_is_made_and_changed(reader):
    page = reader.page
    reader.go("/groups")
    page.get_by_label("Name").fill("shops")
    page.get_by_label("Targets, as a JSON list").fill('[{"name": "graz", "url": "https://graz.example.com/"}]')
    page.get_by_role("button", name="Add").click()
    page.wait_for_url("**/groups/shops")
    expect(page.get_by_role("row", name="graz")).to_be_visible()

    page.get_by_label("Targets, as a JSON list").fill("[")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("Nothing was changed")
    reader.complaints.clear()  # of the answer 422


def test_light_and_dark_are_kept(reader):
    page = reader.page
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    reader.go("/")
    light = page.evaluate(ground)
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(ground)
    assert light != dark

    reader.go("/jobs")
    assert page.evaluate(ground) == dark


def test_the_keyboard_is_enough(reader):
    page = reader.page
    reader.go("/jobs")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()

    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="New job")).to_be_focused()

    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/new")


def test_a_script_that_found_its_way_into_a_page_does_not_run(open_reader):
    reader = open_reader()
    reader.sign_in()

    blocked = reader.page.evaluate(
        """() => new Promise((resolve) => {
          document.addEventListener("securitypolicyviolation", (event) => resolve(event.violatedDirective));
          const script = document.createElement("script");
          script.textContent = "window.injected = true";
          document.body.append(script);
          setTimeout(() => resolve("nothing"), 5000);
        })"""
    )

    assert blocked.startswith("script-src")
    assert reader.page.evaluate("window.injected") is None
    assert [text for text in reader.complaints if "Content Security Policy" not in text] == []

    reader.complaints.clear()


@in_both_browsers
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_shuts_anybody_out(open_reader, receiver, scheme):
    """axe-core finds nothing serious, and nothing is wider than a phone."""
    reader = open_reader(color_scheme=scheme, viewport={"width": 360, "height": 800})
    axe, violations = Axe(), {}
    reader.go("/sign-in")
    violations["/sign-in"] = serious(axe.run(reader.page))
    reader.sign_in()
    fill_in_order(
        reader, f"http://127.0.0.1:{receiver.port}/status/500", **{"Maximum attempts": "2", "Name": "seen by axe"}
    )
    expect(reader.page.locator(STATE)).to_have_text("retryable")

    job, schedule = reader.page.url.removeprefix(reader.base), make_schedule(reader, receiver)
    for path in [job, schedule, f"{schedule}/edit", "/jobs/bulk?action=cancel", *PAGES]:
        reader.go(path)
        violations[path] = serious(axe.run(reader.page))
        assert reader.page.evaluate("document.documentElement.scrollWidth") <= 360, path
    assert violations == {path: [] for path in violations}


def make_schedule(reader, receiver):
    """Make a schedule; gives the path of its page."""
    page = reader.page
    reader.go("/jobs/new?when=cron")
    page.get_by_label("URL", exact=True).fill(f"http://127.0.0.1:{receiver.port}/ok")
    page.get_by_label("cron expression").fill("30 2 * * *")
    page.get_by_role("button", name="Create").click()
    page.wait_for_url(re.compile(r"/schedules/[0-9a-f-]{36}"))
    return page.url.removeprefix(reader.base)


def serious(results):
    return [
        (violation["id"], [node["target"] for node in violation["nodes"]])
        for violation in results.response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


def test_an_endpoint_is_added_disabled_and_removed(reader, receiver):
    page, url = reader.page, f"http://127.0.0.1:{receiver.port}/told"
    reader.go("/endpoints")
    page.get_by_label("URL", exact=True).fill(url)
    page.get_by_role("checkbox", name="job.finished").check()
    page.get_by_role("button", name="Add").click()
    row = page.get_by_role("row", name=url)
    expect(row).to_contain_text("job.finished")

    row.get_by_role("button", name="Disable").click()
    expect(row.locator(".state")).to_have_text("disabled")

    row.get_by_text("Remove…").click()
    row.get_by_role("button", name="Remove", exact=True).click()
    expect(row).to_have_count(0)


def test_what_cant_be_undone_is_asked_for_twice(reader):
    page = reader.page
    reader.go("/keys")
    page.get_by_label("Name").fill("a key to lose")
    page.get_by_role("button", name="Create a key").click()
    row = page.get_by_role("row", name="a key to lose")
    row.get_by_text("Revoke…").press("Enter")
    expect(row).to_contain_text("refused from now on")
    expect(row).to_contain_text("active")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    row.get_by_role("button", name="Revoke", exact=True).click()
    expect(row).to_contain_text("revoked")


@in_both_browsers
def test_a_server_that_can_not_be_reached_is_told_and_its_return_too(reader):
    banner = reader.page.locator("#unreachable")
    reader.go("/")
    expect(banner).to_be_hidden()

    reader.page.context.set_offline(True)
    expect(banner).to_contain_text("The server can't be reached since")
    reader.page.context.set_offline(False)

    expect(banner).to_be_hidden()
    reader.complaints.clear()  # the browser's own, about the network


@in_both_browsers
def test_results_come_while_a_search_is_typed(reader, receiver):
    page = reader.page
    for name in ("found", "lost"):
        fill_in_order(reader, f"http://127.0.0.1:{receiver.port}/ok", Name=f"{name} by typing")
    reader.go("/jobs")
    page.evaluate("window.sameDocument = true")

    page.get_by_role("searchbox").fill('name:"found by typing" after:today')

    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text("found by typing")
    assert "Europe%2FBerlin" in page.url
    page.get_by_role("searchbox").fill("colour:red")
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("unknown word colour")
    assert page.evaluate("window.sameDocument") is True
    with page.expect_download() as download:
        reader.go('/jobs?q=name:"found by typing"')
        page.get_by_role("link", name="CSV").click()
    assert "found by typing" in download.value.path().read_text()
    reader.complaints[:] = [text for text in reader.complaints if "422" not in text]  # Firefox says nothing of it


def test_the_badge_of_a_page_that_stays_open_is_counted_again(reader, receiver):
    """It kept the number that it had when the page was loaded."""
    page, badge = reader.page, reader.page.locator(".side .badge")
    page.clock.install()
    reader.go("/channels")
    before = int(badge.text_content()) if badge.count() else 0
    order(reader, receiver, url=f"http://127.0.0.1:{receiver.port}/status/500", max_attempts=1)
    counted = f">{before + 1}<"
    wait_until(lambda: counted in page.request.get(f"{reader.base}/failures/badge").text(), 30, "its failure")
    expect(badge).to_have_count(1 if before else 0)

    page.clock.fast_forward(31_000)

    expect(badge).to_have_text(str(before + 1))


def test_the_figure_of_a_minute_is_read_from_a_card(reader):
    page = reader.page
    reader.go("/")
    card = page.locator(".health-attempts")

    card.hover()  # its link lies over the line
    expect(card.locator(".spark-say")).to_have_text(re.compile(r"^\d\d:\d\d [\d,]+$"))

    page.mouse.move(0, 0)
    expect(card.locator(".spark-say")).to_have_text("")


def test_a_form_shows_its_retries_and_commands_and_sends_a_test(reader, receiver):
    page, before = reader.page, receiver.arrived()
    reader.go("/jobs/new")
    page.get_by_label("URL", exact=True).fill(f"http://127.0.0.1:{receiver.port}/ok")
    page.get_by_label("Delays between attempts").fill("10s, 1m")
    page.get_by_label("Maximum attempts").fill("3")
    expect(page.locator("#retries")).to_contain_text("after 10 s, 1 min. The job is given up after 3 attempts")

    page.get_by_text("As curl, command line, Python or JSON").click()
    expect(page.locator("#snippet-1")).to_contain_text("curl -X POST")
    page.get_by_label("Name", exact=True).fill("typed later")
    expect(page.locator("#snippet-4")).to_contain_text("typed later")

    with page.expect_popup() as popup:
        page.get_by_role("button", name="Send now, as a test").click()
    expect(popup.value.locator(STATE)).to_have_text("completed")
    assert receiver.arrived() == before + 1
    expect(page.get_by_label("Name", exact=True)).to_have_value("typed later")
    popup.value.close()
