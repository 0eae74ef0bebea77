"""The messages about incidents in the form of each way: JSON of a service, text, e-mail. Pure."""
