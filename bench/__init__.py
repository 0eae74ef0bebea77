"""The benchmark: how fast Booper is on this machine, next to its peers. Tests never time anything; this does."""
