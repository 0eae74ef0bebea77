"""Reads a request from the words of a curl or wget command."""

import base64
from typing import Any

from booper_client.cli.files.imported import NotCarried

SILENT = {"-s", "-S", "-f", "-q", "-sS", "-fsS", "-fs", "-sf", "-fsSL", "-sSf", "-nv", "-L", "--silent", "--show-error"}
SILENT |= {"--fail", "--quiet", "--no-verbose", "-N", "--no-check-certificate-revocation", "--compressed"}
WITH_VALUE_LEFT_OUT = {"-o", "--output", "-O", "--output-document", "--retry", "--tries", "-t", "--connect-timeout"}
DATA = ("-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--post-data", "--body-data")
FORM = "application/x-www-form-urlencoded"


def request_of(words: list[str]) -> dict[str, Any]:
    """The fields of a schedule that sends the same request; NotCarried says why there are none."""
    program = words[0].rpartition("/")[2] if words else ""
    if program not in ("curl", "wget"):
        raise NotCarried("calls no address")
    fields: dict[str, Any] = {"headers": {}}
    rest = _split(words[1:])
    while rest:
        _take(fields, program, rest)
    if "url" not in fields:
        raise NotCarried("names no address")
    fields.setdefault("method", "post" if "body" in fields else "get")
    if "body" in fields:
        names = {name.lower() for name in fields["headers"]}
        fields["headers"] |= {} if "content-type" in names else {"Content-Type": FORM}
    return {name: value for name, value in fields.items() if value not in ({}, None)}


def _split(words: list[str]) -> list[str]:
    """`--header=x` as two words."""
    pairs = [word.split("=", 1) if word.startswith("--") and "=" in word else [word] for word in words]
    return [part for pair in pairs for part in pair]


def _take(fields: dict[str, Any], program: str, rest: list[str]) -> None:
    """Take the next option, with its value, or the address."""
    word = rest.pop(0)
    if word in SILENT or (program == "curl" and word == "-O"):
        return
    if not word.startswith("-"):
        _address(fields, word)
    elif word == "--spider" or word in ("-I", "--head"):
        fields["method"] = "head"
    elif not rest:
        raise NotCarried(f"{word} has no value")
    else:
        _option(fields, word, rest.pop(0))


def _address(fields: dict[str, Any], word: str) -> None:
    if "url" in fields:
        raise NotCarried("names several addresses")
    fields["url"] = word if "://" in word else f"http://{word}"


def _option(fields: dict[str, Any], word: str, value: str) -> None:
    if word in ("-X", "--request", "--method"):
        fields["method"] = value.lower()
    elif word in (*DATA, "--json"):
        _data(fields, word, value)
    elif word in ("-m", "--max-time", "-T", "--timeout"):
        fields["timeout"] = _seconds(word, value)
    elif word == "--url":
        _address(fields, value)
    elif word not in WITH_VALUE_LEFT_OUT:
        fields["headers"] |= _header(word, value)


def _header(word: str, value: str) -> dict[str, str]:
    """The header that an option sets."""
    if word in ("-H", "--header"):
        name, _, text = value.partition(":")
        return {name.strip(): text.strip()}
    if word in ("-u", "--user"):
        return {"Authorization": "Basic " + base64.b64encode(value.encode()).decode()}
    if word in ("-A", "--user-agent"):
        return {"User-Agent": value}
    raise NotCarried(f"{word} has no counterpart")


def _data(fields: dict[str, Any], word: str, value: str) -> None:
    if value.startswith("@"):
        raise NotCarried(f"the body is in the file {value[1:]}")
    fields["body"] = f"{fields['body']}&{value}" if "body" in fields else value
    if word == "--json":
        fields["headers"] |= {"Content-Type": "application/json", "Accept": "application/json"}


def _seconds(word: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise NotCarried(f"{word} must be a number of seconds") from None
