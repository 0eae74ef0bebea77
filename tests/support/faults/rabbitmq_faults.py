"""What may happen to a RabbitMQ node; each fault takes the node and the product."""

import time

AWAY_SECONDS = 4


def stopped(node, product):
    with node.outage():
        time.sleep(AWAY_SECONDS)


def killed(node, product):
    node.kill()
    time.sleep(AWAY_SECONDS)
    node.start()


def purged(node, product):
    for _ in range(4):
        node.broker.purge(list(node.broker.queues(product.name)))


def deleted(node, product):
    node.broker.delete_queues(product.name)


def cut_off(node, product):
    node.close_connections()


def blocked(node, product):
    """Its memory alarm: it takes no message, and says so to nobody who does not ask."""
    node.broker.control("set_vm_memory_high_watermark", "absolute", "1")
    time.sleep(AWAY_SECONDS)
    node.broker.control("set_vm_memory_high_watermark", "0.6")


FAULTS = (stopped, killed, purged, deleted, cut_off)
