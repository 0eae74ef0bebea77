"""Serves the pages of schedules and of the calendars that they name."""
