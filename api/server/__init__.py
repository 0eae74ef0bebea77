"""Adapts gunicorn and waitress: which process accepts a connection, and the answer to a malformed request."""
