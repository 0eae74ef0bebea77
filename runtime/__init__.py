"""What every process needs: settings, version, logs, metrics, traces, signals. Imports neither api nor workers."""
