"""Finds the operation of the OpenAPI document that a request of the client is about, and what it may hold."""

import re

from runtime import settings
from tests.support.api_client import document_of
from tests.support.apps import app_of
from tests.support.openapi import resolved


def document():
    return document_of(app_of(settings.load({})))


def operation_of(request):
    """The operation; a path without a parameter comes before one with it."""
    paths = document()["paths"]
    for path in sorted(paths, key=lambda path: path.count("{")):
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), f"/api{request.path}"):
            return paths[path].get(request.method.lower())
    return None


def assert_documented(request):
    """The document has the operation, and each parameter and each member of the body."""
    operation = operation_of(request)
    assert operation, f"{request.method} {request.path} is not in the document"
    parameters = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
    assert set(request.query()) <= parameters
    media = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    assert set(request.body or ()) <= set(resolved(document(), media.get("schema", {})).get("properties", {}))


def names_of(operation):
    """What a request may hold by the document: parameters but for those of the path, members of the body and of its
    filter."""
    parameters = {each["name"] for each in operation.get("parameters", []) if each["in"] != "path"}
    media = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    members = resolved(document(), media.get("schema", {})).get("properties", {})
    filters = resolved(document(), members.get("filter", {})).get("properties", {})
    return {*parameters, *members, *(f"filter.{name}" for name in filters)}
