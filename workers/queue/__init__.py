"""Dramatiq and RabbitMQ: the broker, the actors, the depths of the queues."""
