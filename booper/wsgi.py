"""The app for gunicorn, `booper.wsgi:app`. Reads the settings, opens the database; workers connect after the fork."""

import atexit
import sys

from api import create_app
from models.database.connection import open_database
from models.database.postgres import OF_REQUESTS
from runtime import logs, tracing
from runtime import settings as booper_settings
from workers.queue.broker import make_broker, reachable

try:
    settings = booper_settings.load()
    tracing.configure(settings, "api")
    broker = make_broker(settings)
except booper_settings.SettingsError as error:
    sys.exit(f"booper: not started: {error}")

logs.configure(settings)
open_database(settings.database_url, settings.database_connections, OF_REQUESTS)
if settings.operator_alerts:
    from workers.operator_watch.watch import Watch

    watch = Watch(settings)
    watch.start()
    atexit.register(watch.stop)
app = create_app(settings, broker_reachable=lambda: reachable(broker))
