"""The app for gunicorn: `gunicorn wsgi:app`. Reads the settings, opens the database; workers connect after the fork.

Nothing here talks to the broker but /readyz, which asks whether it is there.
"""

import sys

from api import create_app
from booper import logs
from booper import settings as booper_settings
from models.database import open_database
from workers.broker import make_broker, reachable

try:
    settings = booper_settings.load()
except booper_settings.SettingsError as error:
    sys.exit(f"booper: not started: {error}")

logs.configure(settings.log_level)
open_database(settings.database_url)
broker = make_broker(settings)
app = create_app(settings, None if settings.embedded else lambda: reachable(broker))
