"""One HTTP request in, one outcome out. Knows no job and no database."""
