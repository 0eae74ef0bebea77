"""Pages of the section Settings that came after the others."""
