"""Responses and errors out: envelopes, serializers, schemas, instants as text."""
