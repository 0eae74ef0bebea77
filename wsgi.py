"""The app for gunicorn from a checkout: `gunicorn wsgi:app`. An installed Booper has it as `booper.wsgi:app`."""

from booper.wsgi import app

__all__ = ["app"]
