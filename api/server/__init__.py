"""How gunicorn and waitress take a connection and refuse what is no request."""
