"""The app for gunicorn: `gunicorn wsgi:app`. Reads the settings, opens the database; workers connect after the fork."""

import logging
import sys

from api import create_app
from booper import settings as booper_settings
from models.database import open_database

try:
    settings = booper_settings.load()
except booper_settings.SettingsError as error:
    sys.exit(f"booper: not started: {error}")

logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
open_database(settings.database_url)
app = create_app(settings)
