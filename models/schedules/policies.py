"""Names the policies of schedules: what a job does beside another of its schedule, and what missed instants get."""

SKIP, QUEUE_ONE, ALLOW = "skip", "queue_one", "allow"
OVERLAPS = (SKIP, QUEUE_ONE, ALLOW)
MISFIRE_SKIP, MISFIRE_ONCE, MISFIRE_ALL = "skip", "once", "all"
MISFIRES = (MISFIRE_SKIP, MISFIRE_ONCE, MISFIRE_ALL)
