"""What concerns alert rules and their incidents."""
