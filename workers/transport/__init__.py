"""Sends HTTP requests and gives one outcome for each. Knows no job and no database."""
