"""One module for each resource that concerns schedules."""
