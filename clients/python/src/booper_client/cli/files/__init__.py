"""Files of schedules: read, compared with the server, written, and made from a crontab."""
