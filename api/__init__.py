"""Serves the HTTP API and the dashboard. Never talks to the broker, never writes a job's state.

`create_app` is the only way in.
"""

from api.app import create_app

__all__ = ["create_app"]
