"""What a cron expression matches, and how it is said in words. Pure."""
