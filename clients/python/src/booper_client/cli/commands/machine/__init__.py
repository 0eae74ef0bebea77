"""Commands that concern this machine: which servers it knows, and its shell."""
