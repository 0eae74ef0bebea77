"""The ground of every process: settings, version, logs, metrics, traces, signals. Knows no API and no workers."""
