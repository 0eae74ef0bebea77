"""The dashboard: what the API tells and takes, as pages for people. Server-rendered; one module a page.

`register` is the only way in.
"""

from api.dashboard.registration import register

__all__ = ["register"]
