"""Checks the URL of a database before anything connects with it."""

SQLITE, POSTGRESQL, POSTGRES = "sqlite:///", "postgresql://", "postgres://"


class WrongValue(ValueError):
    """A text that is refused; the message says why and quotes no secret."""


def checked_url(text: str) -> str:
    """The URL, with `postgres://` written out. Raises ValueError for one that no connection can be made with."""
    if text.startswith(SQLITE):
        return _checked_sqlite(text)
    if text.startswith(POSTGRES):
        text = POSTGRESQL + text.removeprefix(POSTGRES)
    if not text.startswith(POSTGRESQL):
        raise ValueError
    parameters = _parsed(text)
    limit = str(parameters.get("connect_timeout", "0")).strip()
    if not limit.removeprefix("-").isdecimal():
        raise WrongValue("connect_timeout must be whole seconds")
    return text


def _checked_sqlite(text: str) -> str:
    path = text.removeprefix(SQLITE)
    if not path:
        raise ValueError
    if path == ":memory:":
        raise WrongValue("each thread would have a database of its own")
    if "?" in path:
        raise WrongValue("SQLite takes no parameters")
    return text


def _parsed(url: str) -> dict[str, object]:
    import psycopg  # here, since the commands of the client need none and would begin much later
    from psycopg import conninfo

    try:
        return dict(conninfo.conninfo_to_dict(url))
    except psycopg.Error as error:
        text = str(error).strip()
        # Other messages quote the URL, and with it the password.
        raise WrongValue(text if "query parameter" in text and url not in text else "it can't be parsed") from None
