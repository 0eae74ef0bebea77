"""Holds what recorded outputs of programs and operators are made of: chance and time that stand still, callers of the
API, the machinery in one thread, and the scenarios."""
