"""Jobs: tables, lifecycle, storing and finding, attempts and log entries."""
