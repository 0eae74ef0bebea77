"""The bare endpoint that creating a job is compared with: Flask, a JSON body, one INSERT, a JSON answer. No key, no
checks. Served by gunicorn with Booper's own settings."""

import os
import threading
import time
import uuid

import psycopg
from flask import Flask, Response, jsonify, request

INSERT = "INSERT INTO bare (uuid, url, body, scheduled_at, inserted_at) VALUES (%s, %s, %s, %s, %s) RETURNING id"
TABLE = (
    "CREATE TABLE bare (id BIGSERIAL PRIMARY KEY, uuid UUID NOT NULL UNIQUE, url TEXT NOT NULL, body TEXT, "
    "scheduled_at TEXT, inserted_at BIGINT NOT NULL)"
)
app = Flask("bare", static_folder=None)
local = threading.local()


def connection() -> psycopg.Connection:
    """This thread's own."""
    if not hasattr(local, "connection"):
        local.connection = psycopg.connect(os.environ["BOOPER_DATABASE_URL"], autocommit=True)
    return local.connection


@app.post("/api/jobs")
def create() -> tuple[Response, int]:
    given, key = request.get_json(), uuid.uuid4()
    row = (key, given["url"], str(given["body"]), given["scheduled_at"], time.time_ns() // 1000)
    made = connection().execute(INSERT, row).fetchone()
    assert made is not None
    return jsonify({"data": {"id": str(key), "job_id": made[0], **given}}), 201
