"""Serves the bare endpoint that a create is compared with: Flask, a JSON body, one INSERT, a JSON response. It checks
neither key nor fields. gunicorn serves it with Booper's settings."""

import os
import threading
import time
import uuid

import psycopg
from flask import Flask, Response, jsonify, request

INSERT = "INSERT INTO bare (uuid, url, body, scheduled_at, inserted_at) VALUES (%s, %s, %s, %s, %s) RETURNING id"
TABLE = (
    "CREATE TABLE IF NOT EXISTS bare (id BIGSERIAL PRIMARY KEY, uuid UUID NOT NULL UNIQUE, url TEXT NOT NULL, "
    "body TEXT, scheduled_at TEXT, inserted_at BIGINT NOT NULL)"
)
app = Flask("bare", static_folder=None)
local = threading.local()


def connection() -> psycopg.Connection:
    """The connection of this thread."""
    if not hasattr(local, "connection"):
        local.connection = psycopg.connect(os.environ["BOOPER_DATABASE_URL"], autocommit=True)
    return local.connection


@app.post("/api/jobs")
def create() -> tuple[Response, int]:
    fields, key = request.get_json(), uuid.uuid4()
    row = (key, fields["url"], str(fields["body"]), fields["scheduled_at"], time.time_ns() // 1000)
    inserted = connection().execute(INSERT, row).fetchone()
    assert inserted is not None
    return jsonify({"data": {"id": str(key), "job_id": inserted[0], **fields}}), 201
