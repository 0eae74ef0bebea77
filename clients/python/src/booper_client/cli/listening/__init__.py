"""What `booper listen` does: fetches requests, sends them to a server on this machine, brings back the answers."""
