"""A broker for tests of the stager and the ticker: it only remembers."""

from dramatiq.errors import ConnectionClosed

from models.operations.heartbeats import Depths


class RememberedMessages:
    """Stands in for workers.queue.actors.Actors: remembers what is published, or refuses it as a lost broker does."""

    def __init__(self):
        self.delivers = []
        self.probes = []
        self.accepts = 10**9

    def send_deliver(self, jobs, due_at, now):
        if len(self.delivers) >= self.accepts:
            raise ConnectionClosed("gone")
        self.delivers.append(([job[0] for job in jobs], due_at))

    def send_probe(self, now):
        self.probes.append(now)

    def keep_alive(self):
        pass

    def depths(self, now):
        return Depths(len(self.delivers), 0, 0, now)

    @property
    def named(self):
        return [job_id for ids, _ in self.delivers for job_id in ids]
