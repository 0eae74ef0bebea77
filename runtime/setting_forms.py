"""Declares the forms that a setting's text may have: what the operator reads, and the function that parses it.

A parser raises ValueError for a text that it does not take.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

SWITCH = {"1": True, "true": True, "on": True, "yes": True, "0": False, "false": False, "off": False, "no": False}

MAIL_HOST = r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
MAIL_SERVER = re.compile(rf"smtps?://([^/?#@\[\]\s]+@)?{MAIL_HOST}|smtp\+plain://{MAIL_HOST}", re.ASCII)


class Form(NamedTuple):
    """`accepted`: the form in words, for messages and documents."""

    accepted: str
    parse: Callable[[str], Any]


def whole(low: int, high: int, unit: str = "a whole number") -> Form:
    return Form(f"{unit}, {low} to {high}", _within(low, high, int))


def decimal(low: float, high: float, unit: str) -> Form:
    return Form(f"{unit}, {low} to {high}", _within(low, high, float))


def one_of(accepted: str, *words: str, fold: Callable[[str], str] = str) -> Form:
    """One of these words, as `fold` writes it."""

    def parse(text: str) -> str:
        if fold(text) not in words:
            raise ValueError
        return fold(text)

    return Form(accepted, parse)


def matching(accepted: str, pattern: str) -> Form:
    """A text that matches the pattern from its first character to its last."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text, re.DOTALL):
            raise ValueError
        return text

    return Form(accepted, parse)


def parsed_by(parser: Callable[[str], Any], accepted: str) -> Form:
    """A text that this parser takes; the setting keeps the text."""

    def parse(text: str) -> str:
        parser(text)
        return text

    return Form(accepted, parse)


def switch() -> Form:
    def parse(text: str) -> bool:
        if text.lower() not in SWITCH:
            raise ValueError
        return SWITCH[text.lower()]

    return Form("on or off", parse)


def own_address() -> Form:
    def parse(text: str) -> str:
        if text == "localhost":
            return text
        address = ipaddress.ip_address(text)
        return str(getattr(address, "ipv4_mapped", None) or address)  # Booper knows its own address by its usual form

    return Form("an address of this machine, or localhost", parse)


def mail_server() -> Form:
    """The URL of an SMTP server as the mailer reads it, or nothing. One without TLS has no password."""

    def parse(text: str) -> str:
        if text and not (text.isascii() and MAIL_SERVER.fullmatch(text) and urlsplit(text).port != 0):
            raise ValueError  # urlsplit raises it too: for ports beyond 65535 and addresses that are none
        return text

    schemes = "smtp://USER:PASSWORD@HOST:PORT (STARTTLS), smtps:// (TLS first), smtp+plain:// (no TLS), or empty"
    return Form(schemes, parse)


def pem_file() -> Form:
    """A file of certificates or keys. It is read when it is used. A path from the root: processes start anywhere."""
    return matching("the path of a PEM file from the root (/etc/booper/ca.pem), or empty", "(/[^\\0\n]+)?")


def _within(low: float, high: float, number: Callable[[str], Any]) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        value = number(text)
        if not low <= value <= high:  # false for NaN too
            raise ValueError
        return value

    return parse
