"""Holds the version of Booper, for every process and for the package."""

__version__ = "0.2.0"
