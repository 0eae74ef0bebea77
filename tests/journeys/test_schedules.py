"""Journeys of schedules: the original's three examples as they are pasted, and a server that dies between instants."""

import http.client
from datetime import datetime, timedelta, timezone

from tests.support.journeys.client import now_us
from tests.support.journeys.digest import Customer
from tests.support.journeys.journey import SECOND
from tests.support.journeys.ledger import instant
from tests.support.waiting import wait_until


def firings(client, schedule_id, status=""):
    """The schedule's rows, the earliest first."""
    return client.get(f"/api/schedules/{schedule_id}/runs?limit=100&order_by=fire_at,asc{status}")["data"]


def test_an_interval_with_a_first_delay_goes_on_by_itself(either_mode):
    client = either_mode.client
    with Customer([{"ok": True}]) as customer:
        order = {"url": customer.url, "method": "post", "schedule_in": [2, "seconds"], "repeat_every": [1, "second"]}
        status, answer = client.ask("POST", "/api/jobs", order)
        assert (status, answer["data"]["job"]["state"]) == (201, "scheduled")
        first_at, schedule_id = instant(answer["data"]["job"]["scheduled_at"]), answer["data"]["schedule_id"]
        wait_until(lambda: len(firings(client, schedule_id)) >= 4, 60, "four instants")
        rows = firings(client, schedule_id)[:4]

    assert [instant(row["fire_at"]) - first_at for row in rows] == [0, SECOND, 2 * SECOND, 3 * SECOND]
    assert {row["status"] for row in rows} == {"fired"}
    assert len({row["job_id"] for row in rows}) == 4
    assert all(row["lateness_ms"] >= 0 for row in rows)


def test_a_daily_stand_up_by_cron_and_form(embedded):
    form = "method=post&url=http://127.0.0.1:1/standup&body[content]=Stand-up!&cron=0+9+*+*+1-5&timezone=Europe/Berlin"
    connection = http.client.HTTPConnection("127.0.0.1", embedded.product.port, timeout=60)
    headers = {**embedded.client.headers, "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/api/jobs", form, headers)
    assert connection.getresponse().status == 201

    [job] = embedded.client.get("/api/jobs?state=scheduled")["data"]
    local = datetime.fromisoformat(job["job"]["scheduled_at"]).astimezone(timezone(timedelta(hours=1)))
    assert (local.hour, local.minute) in {(9, 0), (8, 0)}  # winter or summer

    [schedule] = embedded.client.get("/api/schedules")["data"]
    assert schedule["frequency"] == {"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"}
    assert schedule["args"]["body"] == {"content": "Stand-up!"}


def test_a_digest_remembers_what_it_sent(embedded):
    state = {"sent": [1, 2], "on": True}
    answers = [{"last": {"id": 7}, "$set": {"sent": [1]}}, {"last": {"id": 9}, "$set": state}, {}]
    body = {"since": "$previous.last.id", "sent": "$state.sent", "first": "$state.sent.0", "title": "Digest"}
    with Customer(answers) as customer:
        order = {"url": customer.url, "method": "post", "body": body, "repeat_every": 1}
        schedule_id = embedded.client.ask("POST", "/api/jobs", order)[1]["data"]["schedule_id"]
        wait_until(lambda: len(customer.bodies) >= 3, 60, "three digests")
        embedded.client.ask("POST", f"/api/schedules/{schedule_id}/disable")
        wait_until(embedded.client.settled, 60, "nothing under way")
        seen = len(customer.bodies)
        embedded.client.ask("POST", f"/api/schedules/{schedule_id}/enable")
        wait_until(lambda: len(customer.bodies) > seen, 60, "a digest after it was enabled again")
    first, second, third = customer.bodies[:3]
    assert first == {
        **{"since": None, "sent": None, "first": None, "title": "Digest"},
        **{"$job": first["$job"], "$previous": {}, "$state": {}},
    }
    assert (second["since"], second["sent"], second["first"]) == (7, [1], 1)
    assert second["$previous"] == answers[0]
    assert (third["since"], third["$state"]) == (9, state)

    again = customer.bodies[seen]
    assert (again["$previous"], again["$state"]) == ({}, state)

    logged = embedded.client.get("/api/logs?event=worker.http.request&order_by=inserted_at,asc")["data"][0]
    assert logged["payload"]["body"] == first


def test_what_a_dead_server_missed_within_the_last_minute_fires(embedded):
    """What could still begin within a minute was skipped at each restart."""
    client, product = embedded.client, embedded.product
    with Customer([{}]) as customer:
        order = {"url": customer.url, "method": "post", "repeat_every": 1}
        schedule_id = client.ask("POST", "/api/jobs", order)[1]["data"]["schedule_id"]
        # What is killed between arrival and record arrives again.
        wait_until(lambda: product.sql("SELECT count(*) FROM attempt")[0][0] >= 2, 60, "two recorded jobs")
        product.processes["serve"].kill()
        dead_at, seen = now_us(), len(customer.bodies)
        wait_until(lambda: now_us() > dead_at + 5 * SECOND, 60, "five seconds without a server")
        product.start()
        alive_at = now_us()
        wait_until(lambda: len(customer.bodies) >= seen + 6, 60, "jobs after the restart")
        waiting = f"SELECT count(*) FROM job WHERE fire_at < {alive_at} AND attempted_at IS NULL"
        wait_until(lambda: product.sql(waiting)[0][0] == 0, 60, "jobs of all missed instants")
        client.ask("POST", f"/api/schedules/{schedule_id}/disable")
        wait_until(client.settled, 60, "nothing under way")
    rows = firings(client, schedule_id)
    instants = [instant(row["fire_at"]) for row in rows]
    assert instants == [instants[0] + number * SECOND for number in range(len(rows))]  # none is missing, none twice

    missed = [row for row in rows if dead_at < instant(row["fire_at"]) < alive_at - SECOND]
    assert len(missed) >= 3
    assert {row["status"] for row in missed} == {"fired"}

    fired = [row for row in rows if row["status"] in ("fired", "late")]
    assert len(customer.bodies) == len(fired)
