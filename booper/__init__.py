"""The roof: the command line and what each kind of process is made of."""
