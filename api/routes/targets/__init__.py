"""One module for each resource that concerns the targets of jobs."""
