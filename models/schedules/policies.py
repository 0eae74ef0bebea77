"""The policies of schedules: what a job does while another one is under way, and what happens to a missed instant."""

SKIP, QUEUE_ONE, ALLOW = "skip", "queue_one", "allow"
OVERLAPS = (SKIP, QUEUE_ONE, ALLOW)
MISFIRE_SKIP, MISFIRE_ONCE, MISFIRE_ALL = "skip", "once", "all"
MISFIRES = (MISFIRE_SKIP, MISFIRE_ONCE, MISFIRE_ALL)
