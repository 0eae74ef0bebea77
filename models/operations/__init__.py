"""What spans subjects: cancelling, operations on many jobs, explanations, heartbeats, the leader."""
