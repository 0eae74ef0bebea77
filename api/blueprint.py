"""Owns the kind of blueprint all routes under /api use: flask-smorest's, reading requests as `api/requests/body.py`
does."""

import flask_smorest

from api.requests.body import Parser


class Blueprint(flask_smorest.Blueprint):
    ARGUMENTS_PARSER = Parser()
