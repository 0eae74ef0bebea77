"""Owns the kind of blueprint all routes under /api use: flask-smorest's, reading requests as `api/reading.py` does."""

import flask_smorest

from api.reading import Parser


class Blueprint(flask_smorest.Blueprint):
    ARGUMENTS_PARSER = Parser()
