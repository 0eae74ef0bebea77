"""The leader's periodic duties: staging, planning, rescuing, pruning."""
