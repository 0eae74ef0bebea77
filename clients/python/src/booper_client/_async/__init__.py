"""The client of coroutines, from which the one that waits is written."""
