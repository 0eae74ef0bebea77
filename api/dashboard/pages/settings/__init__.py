"""The pages of the place "Settings", one module each."""
