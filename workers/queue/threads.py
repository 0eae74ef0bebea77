"""Declares how many threads of a sending process take messages, in both modes."""

THREADS = 16  # each holds a message until its jobs are due, for 60 ms at most
