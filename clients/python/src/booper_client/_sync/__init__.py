"""The client that waits. Written by `clients/python/write_sync.py` from `_async`, but for `transport.py`."""
