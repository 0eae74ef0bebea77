"""Watches over Booper for its operator, and notifies the operator. Needs neither jobs nor a broker to do so."""
