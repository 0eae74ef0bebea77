"""What a job is and what may happen to it: tables, lifecycle, time arithmetic. Knows no Flask, Dramatiq or requests."""
