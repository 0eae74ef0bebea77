"""The ground of every process: settings, version, logs, metrics, traces, signals. Imports neither api nor workers."""
