"""How a fault is made: services that may be killed, a worker whose requests may be deadly, a load, and a report.

It stands on tests/support/journeys. Only `app` and `worker` import the product, since they run inside its processes.
"""
