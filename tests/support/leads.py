"""Owns a lead that a test gives and takes."""


class Lead:
    """Stands where a candidate of models/operations/leader.py stands."""

    def __init__(self, held=True):
        self.held = held

    def hold(self):
        return self.held

    def give_up(self):
        self.held = False
