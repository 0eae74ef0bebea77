"""Measures how fast Booper is on this machine, beside its peers. Only the benchmark measures time; tests do not."""
