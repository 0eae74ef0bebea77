"""Writes the JSON that several resources answer: the envelopes and the job. Other forms stand beside their routes.

Pure: rows in, JSON text out. What a client sent is inserted as text, not parsed and encoded again.
"""

from models.jobs.job_json import job

__all__ = ["data", "data_list", "job"]


def data(text: str) -> str:
    """The envelope of one object."""
    return f'{{"data":{text}}}'


def data_list(texts: list[str]) -> str:
    """The envelope of a list."""
    return f'{{"data":[{",".join(texts)}]}}'
