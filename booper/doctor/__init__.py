"""`booper doctor`: looks at the settings, the database, the broker, clocks, names and disks, and says what to do."""
