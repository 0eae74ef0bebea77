"""Which jobs a list or an operation is about."""
