"""Requests that are brought to a listener, while connections break and the API starts again: each is answered once, or
tried again by its rule."""

from collections import Counter

import pytest

from tests.support.command_line import environment
from tests.support.journeys.client import now_us
from tests.support.journeys.journey import FULL, SECOND
from tests.support.journeys.product import STOP_SECONDS
from tests.support.listening_process import Listen
from tests.support.receivers import RecordingReceiver
from tests.support.stalling_proxy import StallingProxy
from tests.support.waiting import wait_until

COUNT, A_SECOND = (1000, 20) if FULL else (200, 20)
LIMIT_SECONDS = 300
TIMEOUT_S = 20


@pytest.fixture
def local():
    receiver = RecordingReceiver()
    receiver.start()
    yield receiver
    receiver.stop()


def order_all(product):
    """Jobs for the listener, so many a second, from soon on."""
    first_at = now_us() + 3 * SECOND
    rule = {"timeout": TIMEOUT_S, "max_attempts": 10, "backoff": {"fixed": 1}}
    jobs = [
        {
            "url": f"listener://laptop/{number}",
            "method": "post",
            "body": {"number": number},
            "scheduled_at": (first_at + number * SECOND // A_SECOND) / SECOND,
            **rule,
        }
        for number in range(COUNT)
    ]
    status, answer = product.client().ask("POST", "/api/jobs/batch", {"jobs": jobs})
    assert (status, [item for item in answer["data"] if "error" in item]) == (201, [])


def start_again(product, name):
    """Stop this process, as an operator would, and start it again."""
    product.processes[name].tell_to_stop()
    assert product.processes[name].stop(STOP_SECONDS) == 0
    product.launch(name)
    product.await_ready()


def part_arrived(local, part):
    wait_until(lambda: len(local.arrivals) >= COUNT * part, LIMIT_SECONDS, f"{part} of the requests")


def unfinished(product):
    return product.sql("SELECT count(*) FROM job WHERE state <> 'completed'") != [(0,)]


def test_each_request_is_answered_once_or_tried_again_while_connections_break_and_the_api_restarts(
    either_mode, local, tmp_path, record_property
):
    product = either_mode.product
    serving = "api" if "api" in product.processes else "serve"
    with StallingProxy(product.port) as proxy:
        env = environment(tmp_path, BOOPER_URL=f"http://127.0.0.1:{proxy.port}", BOOPER_API_KEY=product.key)
        with Listen(env, local.url, "--json") as listen:
            order_all(product)
            part_arrived(local, 0.15)
            proxy.drop()
            part_arrived(local, 0.3)
            start_again(product, serving)
            part_arrived(local, 0.5)
            with proxy.silent():
                wait_until(lambda: any("No connection" in note for note in listen.notes), LIMIT_SECONDS)
            proxy.drop()
            part_arrived(local, 0.7)
            start_again(product, serving)
            wait_until(lambda: not unfinished(product), LIMIT_SECONDS, "the end of all jobs", pause_seconds=0.5)
            notes = list(listen.notes)
            assert listen.interrupt() == 0

    arrived = [(arrival.headers["Booper-Job-Id"], arrival.headers["Booper-Attempt"]) for arrival in local.arrivals]
    attempts = product.sql("SELECT job_id, number, outcome, status_code, reason FROM attempt")
    answered = [job_id for job_id, _, outcome, *_ in attempts if outcome == "answered"]
    failed = [reason for *_, outcome, _, reason in attempts if outcome != "answered"]
    assert len(arrived) == len(set(arrived)), "no request comes twice within an attempt"
    assert len(answered) == len(set(answered)) == COUNT, "each job has one answer"
    assert set(failed) <= {"timeout", "listener_away"}
    assert len(arrived) <= len(attempts)
    assert {job for job, _ in arrived} == {str(row[0]) for row in product.sql("SELECT uuid FROM job")}
    assert any("Connected again" in note for note in notes)
    record_property("figures", f"{COUNT} jobs, {len(arrived)} arrivals, failed attempts: {Counter(failed)}")
