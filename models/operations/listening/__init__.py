"""What concerns listeners: developers' machines to which requests of jobs are brought."""
