"""Schedules: storing and changing them, planning their jobs, overlap and misfire."""
