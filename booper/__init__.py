"""The command line, and the processes that its commands start. Nothing else imports it."""
