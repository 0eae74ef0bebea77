"""The way of a request to a listener."""
