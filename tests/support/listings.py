"""Lists of the API, read page by page."""

from api.requests.paging import CURSOR_HEADER


def ids_of(answer):
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json["data"]]


def next_of(answer):
    """The address of the next page, or None."""
    assert (CURSOR_HEADER in answer.headers) == ("Link" in answer.headers)
    if "Link" not in answer.headers:
        return None
    address, rel = answer.headers["Link"].split("; ")
    assert rel == 'rel="next"'
    assert f"cursor={answer.headers[CURSOR_HEADER]}" in address
    return address.strip("<>")


def pages_of(client, address, between=lambda: None):
    """The rows of each page, following the links."""
    while address:
        answer = client.get(address)
        yield ids_of(answer)
        address = next_of(answer)
        between()
