"""The resources of the JSON API: one module a resource, with its routes."""
