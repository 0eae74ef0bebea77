"""The dashboard: what the API shows and does, as pages for people. Pages are made on the server.

`register` is the only entry. `navigation.py` lists the pages, `pages/` has a module for each.
"""

from api.dashboard.registration import register

__all__ = ["register"]
