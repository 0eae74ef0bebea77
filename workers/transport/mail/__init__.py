"""E-mail out, one outcome for each message. Knows no job and no database."""
