"""Reads the body of a request: strict JSON or a form, checked by a strict schema."""
