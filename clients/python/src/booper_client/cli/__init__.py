"""The command line of a client: `booper run`, `booper jobs`, `booper schedules` and others (extra `cli`)."""
