"""Whose lookup is next: the lookups that wait for threads, of which no account and no domain holds more than its share.

A lookup that hangs holds its thread for longer than anybody waits for it. Without a share for each domain, one whose
name servers are silent would hold up all names of its account; without one for each account, many such domains would
hold up everybody.
"""

import asyncio
from collections import Counter, OrderedDict, deque


class Lookup:
    """One name to look up for an account. `answer` will hold its addresses or why there are none; `waiters`: how many
    attempts want it."""

    def __init__(self, host: str, port: int, account_id: int, answer: asyncio.Future[list[str] | Exception]) -> None:
        self.host, self.port, self.account_id, self.answer = host, port, account_id, answer
        self.domain = domain_of(host)
        self.waiters = 0


class LookupQueue:
    """The lookups without a thread, by account and domain; one account holds at most half of the threads. Accounts take
    turns, and the domains of each. Used by one thread."""

    def __init__(self, threads: int, threads_per_domain: int) -> None:
        self._free = threads
        self._domain_share, self._account_share = threads_per_domain, max(1, threads // 2)
        self._waiting: OrderedDict[int, OrderedDict[str, deque[Lookup]]] = OrderedDict()
        self._held: Counter[int | str] = Counter()  # threads, by account and by domain

    def put(self, lookup: Lookup) -> None:
        domains = self._waiting.setdefault(lookup.account_id, OrderedDict())
        domains.setdefault(lookup.domain, deque()).append(lookup)

    def take(self) -> Lookup | None:
        """The next lookup that may have a thread now, which it then holds; None when there is none."""
        lookup = self._next() if self._free else None
        if lookup is not None:
            self.drop(lookup)
            self._free -= 1
            self._held.update((lookup.account_id, lookup.domain))
        return lookup

    def give(self, lookup: Lookup) -> None:
        """The thread that it held is free again."""
        self._free += 1
        for key in (lookup.account_id, lookup.domain):
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]

    def drop(self, lookup: Lookup) -> bool:
        """Take it out, if it still waits; returns whether it did."""
        domains = self._waiting.get(lookup.account_id, OrderedDict())
        waiting = domains.get(lookup.domain, deque())
        if lookup not in waiting:
            return False
        waiting.remove(lookup)
        if not waiting:
            del domains[lookup.domain]
        if not domains:
            del self._waiting[lookup.account_id]
        return True

    def _next(self) -> Lookup | None:
        """Few steps, however many wait: only so many accounts and domains can have their share at once."""
        for account_id, domains in self._waiting.items():
            if self._held[account_id] >= self._account_share:
                continue
            for domain, waiting in domains.items():
                if self._held[domain] < self._domain_share:
                    domains.move_to_end(domain)
                    self._waiting.move_to_end(account_id)
                    return waiting[0]
        return None


def domain_of(host: str) -> str:
    """What one owner of names usually holds: the last two labels, or three where the last but one is short (co.uk)."""
    labels = host.split(".")
    count = 3 if len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3 else 2
    return ".".join(labels[-count:])
