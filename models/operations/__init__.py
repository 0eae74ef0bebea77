"""What spans subjects: cancelling, bulk actions, explanations, heartbeats, the leader."""
