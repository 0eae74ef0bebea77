"""Owns the production worker: what `dramatiq workers.app:broker` imports in each of its processes."""

from models.database.connection import open_database
from runtime import gc_tuning, logs, settings, tracing
from workers.assembly import DeliveryMiddleware, probe
from workers.delivery.delivery import Delivery
from workers.queue.broker import Actors, make_broker, queue_name

configuration = settings.load()
logs.configure(configuration)
open_database(configuration.database_url)
tracing.configure(configuration, "worker")
delivery = Delivery(configuration)
broker = make_broker(configuration, [DeliveryMiddleware(delivery)])
actors = Actors(broker, queue_name(configuration), delivery.deliver, probe)
gc_tuning.collect_rarely()
