"""Says whose lookup is next: of the threads that look names up, no account and no domain holds more than its share.

A lookup that hangs holds its thread for longer than anybody waits for it. Without a share for each domain, one whose
name servers are silent would hold up all names of its account; without one for each account, many such domains would
hold up everybody.
"""

import asyncio
from collections import Counter, OrderedDict, deque


class Lookup:
    """Names what an account looks up. `answer` will hold its addresses or why there are none; `waiters`: how many
    attempts want it."""

    def __init__(self, host: str, port: int, account_id: int, answer: asyncio.Future[list[str] | Exception]) -> None:
        self.host, self.port, self.account_id, self.answer = host, port, account_id, answer
        self.domain = domain_of(host)
        self.waiters = 0


class LookupQueue:
    """Holds the lookups without a thread, by account and domain; one account holds at most half of the threads.
    Accounts take turns, and the domains of each. Used by one thread."""

    def __init__(self, threads: int, threads_per_domain: int) -> None:
        self._free = threads
        self._domain_share, self._account_share = threads_per_domain, max(1, threads // 2)
        self._waiting: OrderedDict[int, OrderedDict[str, deque[Lookup]]] = OrderedDict()
        self._held: Counter[int | str] = Counter()  # threads, by account and by domain

    def put(self, lookup: Lookup) -> None:
        domains = self._waiting.setdefault(lookup.account_id, OrderedDict())
        domains.setdefault(lookup.domain, deque()).append(lookup)

    def take(self) -> Lookup | None:
        """The next lookup that may have a thread now, which it then holds; None when there is none. In few steps,
        however many wait: only so many accounts and domains can have their share at once."""
        if self._free:
            for account_id, domains in self._waiting.items():
                if self._held[account_id] < self._account_share:
                    for domain in domains:
                        if self._held[domain] < self._domain_share:
                            return self._pop(account_id, domain)
        return None

    def give(self, lookup: Lookup) -> None:
        """Free the thread that it held."""
        self._free += 1
        self._held -= Counter((lookup.account_id, lookup.domain))

    def _pop(self, account_id: int, domain: str) -> Lookup:
        """The oldest lookup of the domain; then it is the turn of other domains, and of other accounts."""
        domains = self._waiting.pop(account_id)
        waiting = domains.pop(domain)
        lookup = waiting.popleft()
        if waiting:
            domains[domain] = waiting
        if domains:
            self._waiting[account_id] = domains
        self._free -= 1
        self._held.update((account_id, domain))
        return lookup


def domain_of(host: str) -> str:
    """What one owner of names usually holds: the last two labels, or three where the last but one is short (co.uk)."""
    labels = host.split(".")
    count = 3 if len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3 else 2
    return ".".join(labels[-count:])
