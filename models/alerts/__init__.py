"""Alert rules, incidents, and who is notified of them."""
