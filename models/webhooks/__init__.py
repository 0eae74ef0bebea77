"""Who is notified: callbacks, event endpoints, channels, signing keys."""
