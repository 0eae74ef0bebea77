"""The samples of the metrics registry."""

from models.jobs import transition_counts
from runtime import metrics


class Grown:
    """How much the samples of the registry have grown since the test began."""

    def __init__(self):
        self.before = self._all()

    def __call__(self, name, **labels):
        key = (name, tuple(sorted(labels.items())))
        return self._all().get(key, 0) - self.before.get(key, 0)

    def transitions(self):
        grown = {name: self("booper_jobs_total", transition=name) for name in transition_counts.NAMES}
        return {name: number for name, number in grown.items() if number}

    @staticmethod
    def _all():
        families = metrics.REGISTRY.collect()
        return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}
