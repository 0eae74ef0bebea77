"""Serves the HTTP API and the dashboard. Never talks to the broker, never writes a job's state.

`create_app` makes the app, and only it is exported. Those who start the servers import `api/server/` and
`api/held_threads.py` besides.
"""

from api.app import create_app

__all__ = ["create_app"]
