"""The forms of jobs, schedules and calendars: filled in, read back, and shown as commands. Pure."""
