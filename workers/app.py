"""Makes the broker and actors of a production worker: `dramatiq workers.app:broker` imports it in each process."""

from models.database.connection import open_database
from runtime import gc_tuning, logs, settings, tracing
from workers.assembly import probe
from workers.delivery.delivery import Delivery
from workers.queue.actors import Actors
from workers.queue.broker import make_broker, queue_name
from workers.queue.middleware import DeliveryMiddleware

configuration = settings.load()
logs.configure(configuration)
open_database(configuration.database_url, configuration.database_connections)
tracing.configure(configuration, "worker")
delivery = Delivery(configuration)
broker = make_broker(configuration, [DeliveryMiddleware(delivery)])
actors = Actors(broker, queue_name(configuration), delivery.deliver, probe)
gc_tuning.exempt_all()
