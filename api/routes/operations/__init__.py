"""What concerns many jobs: actions on all that match, failures, replays, figures."""
