"""Owns how the program tells its operator what happens: one line an event on standard error."""

import logging

FORMAT = "%(asctime)s %(levelname)-7s %(name)s %(message)s"


def configure(level: str) -> None:
    """Send every log line of `level` and above to standard error; libraries only warn."""
    logging.basicConfig(level=level, format=FORMAT, force=True)
    for library in ("pika", "dramatiq", "urllib3", "waitress"):
        logging.getLogger(library).setLevel(logging.WARNING)
    logging.getLogger("peewee").setLevel(logging.INFO)  # below, it writes every statement with its values
    logging.getLogger("pika").setLevel(logging.CRITICAL)
