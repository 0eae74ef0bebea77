"""Days, kept under a name, on which the schedules that name them have no instant."""
