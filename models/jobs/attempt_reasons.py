"""Says in words why an attempt failed or a job was given up. The codes stand in attempts, callbacks and log entries."""

import re
from http import HTTPStatus

from models.rules.statuses import REDIRECTS

NOT_FOLLOWED = "the target redirects, and no redirect is followed: order it for the address in `location`"
WORDS = {
    "unexpected_body": "the response lacks the text that the job expects",
    "timeout": "no whole response came in time",
    "reset": "the target closed the connection before it answered",
    "protocol": "what came was no HTTP response",
    "not_reachable": "no connection to the target could be made",
    "name_unknown": "the host's name does not exist in DNS, or leads to no address that may be reached",
    "name_lookup_failed": "DNS did not answer for the host's name",
    "connection_refused": "the target refused the connection: nothing listens at its port",
    "connection_reset": "the target broke the connection off",
    "connection_timed_out": "the target did not take the connection in time",
    "connection_failed": "the connection failed",
    "no_route": "no route leads to the target's address",
    "tls_failed": "TLS could not be agreed on with the target",
    "certificate_expired": "the target's certificate has expired",
    "certificate_not_yet_valid": "the target's certificate is not valid yet",
    "certificate_untrusted": "no chain leads from the target's certificate to a trusted authority",
    "certificate_wrong_name": "the target's certificate is for another name",
    "certificate_invalid": "the target's certificate is not valid",
    "blocked_address": "the target's address may not be reached",
    "blocked_url": "the URL may not be requested",
    "invalid_request": "the request could not be written as HTTP",
    "no_group": "the group of its order was deleted",
    "mail_refused": "the mail server does not take the message",
    "body_too_large": "the body became too large by its dynamic fields",
    "not_acknowledged": "the target did not acknowledge in time",
    "reported_failure": "the target acknowledged that it failed",
    "listener_away": "no listener of this name took the request in time: is `booper listen` running?",
    "listener_full": "its listener has as many unanswered requests as it may have",
    "max_age": "the next attempt would have come after the job's last moment",
    "schedule_disabled": "its schedule was disabled while it was under way",
    "schedule_deleted": "its schedule was deleted while it was under way",
    **{f"status_{status}": NOT_FOLLOWED for status in REDIRECTS},
    "worker_lost": "its worker fell silent",
    "crashed": "its worker fell silent three times in a row",
}


_STATUS = re.compile(r"status_([0-9]{3})")


def cause(reason: str) -> str:
    """`answered 401 Unauthorized`, `the target's certificate has expired`; a reason without words as it is."""
    status = _STATUS.fullmatch(reason)
    if not status:
        return WORDS.get(reason, reason)
    answered = f"answered {status[1]} {phrase(int(status[1]))}".strip()
    return f"{answered}; {WORDS[reason]}" if reason in WORDS else answered


def in_words(reason: str) -> str:
    """`answered 401 Unauthorized (status_401)`: the cause with its code beside it."""
    words = cause(reason)
    return reason if words == reason else f"{words} ({reason})"


def phrase(status_code: int) -> str:
    """The phrase of a status code; "" for a code that has none."""
    try:
        return HTTPStatus(status_code).phrase
    except ValueError:
        return ""
