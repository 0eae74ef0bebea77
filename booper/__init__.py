"""Booper: the command line, the settings and the wiring of the parts into processes."""

__version__ = "0.1.0"
