"""The watch sends each change once: with several processes, across restarts, and while the database is away."""

import http.client
import json
from contextlib import suppress

import pytest

from models.alerts.alert_tables import Incident
from models.alerts.messages import TEST, Message
from models.alerts.ways import Target
from models.database.connection import database
from models.operations.operator_alerts import operator_incidents, turn
from models.rules import clock
from runtime.metrics import REGISTRY
from tests.support.installations import TARGETS, Installation
from tests.support.mail_servers import Mailbox, MailServer
from tests.support.scripted_receivers import ScriptedReceiver, answering, read_request
from workers.operator_watch import watch as watching
from workers.operator_watch.sending import Backlog, Outbox, Sender, post, side_by_side
from workers.operator_watch.watch import Watch
from workers.transport.mail.mailer import Mailer

BOTH = [("opened", "database"), ("closed", "database")]


def unreachable(*_, **__):
    raise watching.DatabaseUnreachable[0]("connection to 10.0.0.9 failed")


@pytest.fixture
def away(monkeypatch):
    """A switch that lets the database be away."""
    switch = {"away": False}
    take = turn.Turn.take

    def take_or_fail(self, *instants):
        if switch["away"]:
            unreachable()
        return take(self, *instants)

    monkeypatch.setattr(turn.Turn, "take", take_or_fail)
    return switch


def let_fail(installation, part="ticker"):
    installation.well.remove(part)


def test_a_restart_repeats_nothing(installation, watch):
    let_fail(installation)
    assert installation.go_on(120, watch) == [("opened", "ticker")]
    watch.leave()
    again = installation.watch()
    assert installation.go_on(600, again) == []
    installation.well.add("ticker")
    assert installation.go_on(60, again) == [("closed", "ticker")]


def test_a_killed_watch_is_followed_by_another_that_repeats_nothing(installation, watch):
    let_fail(installation)
    assert installation.go_on(120, watch) == [("opened", "ticker")]
    other = installation.watch()
    assert installation.go_on(600, other) == []
    installation.well.add("ticker")
    assert installation.go_on(60, other) == [("closed", "ticker")]


def test_a_trouble_may_begin_and_end_under_different_watches(installation, watch):
    other = installation.watch()
    let_fail(installation)
    assert installation.go_on(30, watch, other) == []
    assert installation.go_on(240, other) == [("opened", "ticker")]


def test_two_watches_send_one_message(installation, watch):
    other = installation.watch()
    let_fail(installation)
    assert installation.go_on(600, watch, other) == [("opened", "ticker")]
    installation.well.add("ticker")
    assert installation.go_on(600, other, watch) == [("closed", "ticker")]


def test_what_lasted_while_everything_was_stopped_is_no_trouble(installation, watch):
    watch.leave()
    installation.pass_by(86_400)
    again = installation.watch()
    again.look(clock.now(), installation.steady_s)
    assert installation.go_on(600, again) == []


def test_a_message_that_nobody_takes_is_sent_once_somebody_does(installation, watch):
    let_fail(installation)
    installation.refusing = {"slack"}
    assert installation.go_on(300, watch) == []
    installation.refusing = set()
    assert installation.go_on(60, watch) == [("opened", "ticker")]
    assert installation.last.incidents[0].opened_at < clock.now() - 240 * clock.SECOND


def let_fail_while_slack_is_down(installation, seconds):
    """The watch of an installation that has had a trouble for so long, with ntfy as a target beside."""
    watch = installation.watch(BOOPER_OPERATOR_ALERTS=f"{TARGETS} ntfy=https://ntfy.example/ops")
    installation.go_on(20, watch)
    let_fail(installation)
    installation.refusing = {"slack"}
    installation.go_on(seconds, watch)
    return watch


def test_a_target_that_is_down_gets_the_message_later_and_the_others_once(installation):
    watch = let_fail_while_slack_is_down(installation, 300)
    assert [each for each in installation.sent if each[0] == "slack"] == []
    installation.refusing = set()
    assert installation.go_on(600, watch) == [("opened", "ticker")]


def test_no_end_overtakes_its_beginning_to_a_target_that_was_down(installation):
    watch = let_fail_while_slack_is_down(installation, 120)
    installation.well.add("ticker")
    installation.refusing = set()
    installation.go_on(600, watch)
    assert installation.sent_to("slack") == [("opened", "ticker"), ("closed", "ticker")]
    assert installation.sent_to("ntfy") == [("opened", "ticker"), ("closed", "ticker")]


def test_what_waited_for_a_target_is_sent_as_soon_as_it_takes_something(installation):
    watch = installation.watch(BOOPER_OPERATOR_ALERTS=f"{TARGETS} ntfy=https://ntfy.example/ops")
    installation.go_on(20, watch)
    installation.refusing = {"slack"}
    for _ in range(2):
        let_fail(installation)
        installation.go_on(90, watch)
        installation.well.add("ticker")
        installation.go_on(30, watch)
    installation.refusing = set()
    installation.go_on(310, watch)
    assert installation.sent_to("slack") == [("opened", "ticker"), ("closed", "ticker")] * 2


def test_a_message_that_was_kept_for_a_day_is_dropped(installation):
    watch = installation.watch(BOOPER_OPERATOR_ALERTS=f"{TARGETS} ntfy=https://ntfy.example/ops")
    installation.go_on(20, watch)
    let_fail(installation)
    installation.refusing = {"slack"}
    installation.go_on(90, watch)
    installation.pass_by(86_400)
    watch._outbox.send_again(installation.steady_s)
    installation.refusing = set()
    installation.go_on(600, watch)
    assert installation.sent_to("slack") == []


def test_a_watch_that_has_run_for_long_keeps_a_message_as_long_as_a_new_one(installation):
    installation.pass_by(200_000)
    watch = let_fail_while_slack_is_down(installation, 300)

    installation.refusing = set()

    assert installation.go_on(600, watch) == [("opened", "ticker")]


def test_a_target_that_is_down_for_long_is_tried_again_every_five_minutes():
    backlog, now_s, pauses_s = Backlog(0.0), 0.0, []
    backlog.add(Message(TEST, "operator", [], 0), now_s)

    for _ in range(7):
        backlog.note(False, now_s)
        pauses_s.append(backlog.next_s - now_s)
        now_s = backlog.next_s

    assert pauses_s == [30, 60, 120, 240, 300, 300, 300]


def test_a_target_that_took_something_is_tried_again_as_soon_as_at_first():
    backlog, pauses_s = Backlog(0.0), []
    for at in range(4):
        backlog.add(Message(TEST, "operator", [], at), 0.0)

    for is_taken in (False, False, True, False, True, True):
        backlog.note(is_taken, 1000.0)
        pauses_s.append(backlog.next_s - 1000.0)

    assert pauses_s == [30, 60, 0, 30, 0, 0]
    assert backlog.first.at == 3


def test_slow_targets_give_the_turn_to_no_other_watch(installation):
    """Something opens, something closes, and something is repeated: three messages, each of which takes 25 s."""
    watch, other = [installation.watch(BOOPER_OPERATOR_REPEAT_SECONDS="10") for _ in range(2)]
    installation.go_on(60, watch, other)
    installation.well -= {"ticker", "worker"}
    installation.go_on(80, watch, other)
    installation.well ^= {"ticker", "broker"}
    installation.refusing = {"slack"}
    installation.go_on(80, watch, other)
    slow = SlowTarget(installation, other)
    watch._outbox = Outbox(watch._targets, slow)

    watch.look(clock.now(), installation.steady_s)
    assert sorted(slow.types) == ["closed", "opened", "repeated"]
    assert other._watched_since is None


class SlowTarget:
    """Refuses each message after 25 s, while another watch looks."""

    def __init__(self, installation, other):
        self._installation, self._other, self.types = installation, other, []

    def __call__(self, target, message):
        self.types.append(message.type)
        for _ in range(25):
            self._installation.pass_by(1)
            self._other.look(clock.now(), self._installation.steady_s)
        return "answered 500"


def test_a_trouble_is_sent_again_as_often_as_the_operator_wants(installation):
    watch = installation.watch(BOOPER_OPERATOR_REPEAT_SECONDS="600")
    installation.go_on(20, watch)
    let_fail(installation)
    assert installation.go_on(600, watch) == [("opened", "ticker")]
    assert installation.go_on(600, watch) == [("repeated", "ticker")]


def test_a_trouble_that_flaps_ends_after_a_calm_time(installation, watch):
    for _ in range(3):
        let_fail(installation)
        assert installation.go_on(90, watch) == [("opened", "ticker")]
        installation.well.add("ticker")
        assert installation.go_on(30, watch) == [("closed", "ticker")]
    let_fail(installation)
    assert installation.go_on(90, watch) == [("opened", "ticker")]
    installation.well.add("ticker")
    assert installation.go_on(540, watch) == []
    assert installation.go_on(120, watch) == [("closed", "ticker")]


def test_a_database_that_is_away_is_sent_once_and_its_return_too(installation, watch, away):
    away["away"] = True
    assert installation.go_on(60, watch) == []
    assert installation.go_on(600, watch) == [("opened", "database")]
    [opened] = installation.last.incidents
    assert "10.0.0.9" in opened.detail
    away["away"] = False
    assert installation.go_on(600, watch) == [("closed", "database")]
    [closed] = installation.last.incidents
    assert (closed.uuid, closed.opened_at) == (opened.uuid, opened.opened_at)
    assert closed.closed_at - closed.opened_at >= 660 * clock.SECOND


def test_a_database_that_is_away_is_sent_again_as_often_as_the_operator_wants(installation, away):
    watch = installation.watch(BOOPER_OPERATOR_REPEAT_SECONDS="600")
    installation.go_on(20, watch)
    away["away"] = True
    assert installation.go_on(660, watch) == [("opened", "database")]
    assert installation.go_on(600, watch) == [("repeated", "database")]


def test_a_database_that_is_away_for_a_moment_is_not_sent(installation, watch, away):
    away["away"] = True
    installation.go_on(50, watch)
    away["away"] = False
    assert installation.go_on(600, watch) == []


def test_one_of_two_watches_sends_that_the_database_is_away(installation, watch, away):
    other = installation.watch()
    installation.go_on(60, watch, other)
    away["away"] = True
    assert installation.go_on(600, other, watch) == [("opened", "database")]
    away["away"] = False
    assert installation.go_on(600, other, watch) == [("closed", "database")]


def test_a_restart_while_the_database_is_away_sends_nothing_until_it_is_back_then_both(installation, watch, away):
    """Nobody knows any more whether the beginning was sent. It has the same id, so that programs see one incident."""
    away["away"] = True
    assert installation.go_on(300, watch) == [("opened", "database")]
    opened = installation.last.incidents[0]
    again = installation.watch()
    assert installation.go_on(600, again) == []
    away["away"] = False
    assert installation.go_on(300, again) == BOTH
    assert installation.last.incidents[0].uuid == opened.uuid


def test_an_outage_that_ends_between_two_looks_is_sent_with_its_beginning(installation, watch, away):
    away["away"] = True
    assert installation.go_on(60, watch) == []
    away["away"] = False
    assert installation.go_on(600, watch) == BOTH


def test_an_outage_that_nobody_was_there_to_send_is_sent_with_its_beginning(installation, watch):
    installation.pass_by(7200)
    assert installation.go_on(600, installation.watch()) == BOTH


def test_an_outage_whose_beginning_no_target_took_is_sent_with_it(installation, watch, away):
    away["away"], installation.refusing = True, {"slack"}
    installation.go_on(300, watch)
    away["away"] = False
    assert installation.go_on(300, watch) == []
    installation.refusing = set()
    assert installation.go_on(60, watch) == BOTH


def test_a_process_that_alone_was_cut_off_sends_the_end_of_what_it_sent(installation, watch, monkeypatch):
    other = installation.watch()
    installation.go_on(60, watch, other)
    with monkeypatch.context() as cut_off:
        cut_off.setattr(watch._turn, "take", unreachable)
        assert installation.go_on(600, watch, other) == [("opened", "database")]
    opened = installation.last.incidents[0]
    assert installation.go_on(600, watch, other) == [("closed", "database")]
    assert installation.last.incidents[0].uuid == opened.uuid


def test_outages_one_after_another_are_each_sent_with_their_own_id(installation, watch, away):
    ids = []
    for _ in range(6):
        away["away"] = True
        assert installation.go_on(120, watch) == [("opened", "database")]
        ids.append(installation.last.incidents[0].uuid)
        away["away"] = False
        assert installation.go_on(60, watch) == [("closed", "database")]
        assert installation.last.incidents[0].uuid == ids[-1]
    assert len(set(ids)) == 6


def test_an_outage_right_after_a_message_ends_with_the_id_that_it_began_with(installation, watch, away, monkeypatch):
    """The row of the turn was written once more, after the message."""
    let_fail(installation)
    installation.go_on(60, watch)
    monkeypatch.setattr(watch._outbox, "_send", lambda *sent: installation.pass_by(3) or installation.send(*sent))
    assert installation.go_on(10, watch) == [("opened", "ticker")]
    away["away"] = True
    installation.go_on(120, watch)
    opened = installation.last.incidents[0]
    again = installation.watch()
    away["away"] = False
    installation.go_on(120, again)
    assert [each.uuid for each in installation.last.incidents if each.type == "database"] == [opened.uuid]


def test_an_end_that_could_not_be_noted_is_sent_later(installation, watch, away, monkeypatch):
    away["away"] = True
    assert installation.go_on(300, watch) == [("opened", "database")]
    away["away"] = False
    with monkeypatch.context() as flaky:
        flaky.setattr(operator_incidents, "note_outage", unreachable)
        assert installation.go_on(20, watch) == []
    assert installation.go_on(60, watch) == [("closed", "database")]


def test_a_killed_process_that_is_back_soon_is_no_outage(installation, watch):
    again = installation.watch()
    assert installation.go_on(600, again) == []


def test_a_process_that_takes_the_turn_of_a_killed_one_sends_no_outage(installation, watch):
    other = installation.watch()
    installation.go_on(60, watch, other)
    assert installation.go_on(600, other) == []


def test_the_open_incidents_are_shown_while_somebody_looks(installation, watch):
    let_fail(installation)
    installation.go_on(120, watch)
    assert [each.type for each in operator_incidents.open_now(clock.now())] == ["ticker"]
    installation.pass_by(600)
    assert operator_incidents.open_now(clock.now()) == []


def test_an_incident_that_is_over_is_shown_no_more(installation, watch):
    let_fail(installation)
    installation.go_on(120, watch)
    installation.well.add("ticker")
    installation.go_on(60, watch)
    assert operator_incidents.open_now(clock.now()) == []


def test_a_process_whose_turn_it_is_no_more_counts_no_open_incident(installation, watch):
    """The page of metrics adds up what the processes say: each incident would count for ever."""
    other = installation.watch()
    let_fail(installation)
    installation.go_on(120, watch)
    assert counted("ticker") == 1
    installation.go_on(120, other)
    assert (other._watched_since is not None, counted("ticker")) == (True, 1)

    watch.look(clock.now(), installation.steady_s)

    assert counted("ticker") == 0


def counted(trouble):
    """The open incidents that this process shows in its metrics."""
    return REGISTRY.get_sample_value("booper_operator_incidents", {"type": trouble})


def test_nobody_watches_where_nobody_is_to_be_notified(installation):
    watch = installation.watch(BOOPER_OPERATOR_ALERTS="")
    watch.start()
    watch.stop()
    assert not watch._thread.is_alive()
    assert turn.read().watcher == ""


def test_an_error_of_the_watch_does_not_end_it(installation, watch, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr("models.operations.operator_alerts.troubles.troubles", lambda *_: 1 / 0)
        installation.go_on(60, watch)
    let_fail(installation)
    assert installation.go_on(120, watch) == [("opened", "ticker")]


def test_each_way_gets_its_form(installation):
    """Over real sockets: a webhook, PagerDuty with its key, and an e-mail."""
    receiver = ScriptedReceiver(taking)
    server = MailServer(Mailbox()).start()
    try:
        environ = {
            "BOOPER_OPERATOR_ALERTS": f"webhook={receiver.url('/hook')}, email=ops@example.com",
            "BOOPER_SMTP_URL": f"smtp+plain://127.0.0.1:{server.port}",
        }
        sender = Sender(Mailer(environ["BOOPER_SMTP_URL"]), "booper@example.com")
        watch = Watch(watching_settings(environ), sender)
        installation.go_on(20, watch)
        let_fail(installation)
        installation.go_on(120, watch)
        [request] = receiver.requests
        [mail] = server.mailbox.mails
    finally:
        receiver.close()
        server.stop()
    head, _, body = request.partition(b"\r\n\r\n")
    document = json.loads(body)
    assert head.startswith(b"POST /hook HTTP/1.1")
    assert (document["type"], document["incident"]["type"]) == ("incident.opened", "ticker")
    assert document["incident"]["id"] == str(Incident.get().uuid)
    assert mail["Subject"] == "The ticker is silent"
    assert "no process plans and stages jobs" in mail.get_body(("plain",)).get_content()


def dripping(conn, receiver):
    """Answers so slowly that no single step takes long."""
    read_request(conn)
    with suppress(OSError):
        while not receiver.closing.wait(0.01):
            conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def test_an_answer_that_never_ends_is_cut(monkeypatch):
    monkeypatch.setattr("workers.operator_watch.sending.EXCHANGE_LIMIT_S", 0.1)
    receiver = ScriptedReceiver(dripping)
    try:
        with pytest.raises((OSError, http.client.HTTPException)):
            post(receiver.url("/hook"), b"{}", {})
    finally:
        receiver.close()


@pytest.mark.parametrize(
    ("status", "refusal"),
    [(200, ""), (299, ""), *((status, f"answered {status}") for status in (199, 300, 301, 308, 400, 404, 500))],
)
def test_only_a_target_that_answers_with_success_has_taken_the_message(status, refusal):
    """What redirects has not: no redirect is followed."""
    receiver = ScriptedReceiver(answering(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode()))
    send = Sender(Mailer(""), "booper@example.com")
    try:
        answer = send(Target("webhook", receiver.url("/hook")), Message(TEST, "operator", [], clock.now()))
    finally:
        receiver.close()

    assert answer == refusal


@pytest.mark.parametrize(
    ("reply", "refusal"),
    [
        (None, ""),
        ("299 OK", ""),
        ("450 later", "answered 450"),
        ("300 what", "answered 300"),
        ("550 never", "the mail server answered 550"),
    ],
)
def test_only_a_mail_server_that_takes_an_email_has_taken_the_message(reply, refusal):
    """One that refuses it for now has not: it is tried again."""
    server = MailServer(Mailbox(reply)).start()
    send = Sender(Mailer(f"smtp+plain://127.0.0.1:{server.port}"), "booper@example.com")
    try:
        answer = send(Target("email", "mailto:ops@example.com"), Message(TEST, "operator", [], clock.now()))
    finally:
        server.stop()

    assert answer == refusal


def taking(conn, receiver):
    receiver.requests.append(read_request(conn))
    conn.sendall(b"HTTP/1.1 204 X\r\n\r\n")


def watching_settings(environ):
    from runtime import settings

    return settings.load(environ)


def test_a_target_that_does_not_answer_holds_up_no_other():
    import threading

    never = threading.Event()
    try:
        assert side_by_side([lambda: str(never.wait(30)), lambda: ""], 0.05) == ["no end in time", ""]
    finally:
        never.set()


def test_a_look_gives_its_connection_back(db, moved_clock):
    watch = Installation(moved_clock).watch()

    watch.look(clock.now(), 0.0)

    assert database.is_closed()
