"""The roof: the command line, and the processes that its commands start."""
