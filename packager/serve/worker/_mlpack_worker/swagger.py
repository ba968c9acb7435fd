"""The description of the service for clients, in Swagger 2.0 and OpenAPI 3.0 and 3.1."""
import json
import os
from urllib.parse import parse_qs

_ALIASES = {"2": "2", "2.0": "2", "3": "3", "3.0": "3", "3.1": "3.1"}


class Documents:
    """The documents by version."""

    def __init__(self, found):
        self._found = found

    def find(self, target):
        """Status and document for a request of /swagger.json?version=."""
        version = parse_qs(target.partition("?")[2]).get("version", ["2"])[0]
        document = self._found.get(_ALIASES.get(version))
        if document is not None:
            return 200, document
        have = ", ".join(sorted(self._found)) or "none"
        kind = "is not known" if version not in _ALIASES else "cannot describe this script"
        return 404, {"message": "Swagger version %s %s; available: %s" % (version, kind, have)}


def documents(app_root, script):
    """Reads the files of the project and makes the documents that it does not have."""
    found = {}
    schemas = _schemas(script)
    for version, files in (("2", ("swagger.json", "swagger2.json")), ("3", ("swagger3.json",)), ("3.1", ("swagger3.1.json",))):
        own = [os.path.join(app_root, name) for name in files]
        own = [path for path in own if os.path.isfile(path)]
        if own:
            with open(own[0], encoding="utf-8") as file:
                found[version] = json.load(file)
        elif schemas is None or any(alias in schemas[2] for alias, name in _ALIASES.items() if name == version):
            empty = {"type": "object", "example": {}}
            given, returned = schemas[:2] if schemas else (empty, empty)
            found[version] = _swagger2(given, returned) if version == "2" else _openapi3(version, given, returned)
    return Documents(found)


def _schemas(script):
    """Input schema, output schema and supported versions, if run() has schemas."""
    if not script.has_schema:
        return None
    from inference_schema import schema_util

    versions = getattr(schema_util, "get_supported_versions", None)
    versions = versions(script.run) if versions else ["2.0"]
    return schema_util.get_input_schema(script.run), schema_util.get_output_schema(script.run), versions


def _about():
    name = os.environ.get("SERVICE_NAME") or "ML service"
    return {
        "title": name,
        "description": "The Azure Machine Learning service " + name,
        "version": os.environ.get("SERVICE_VERSION") or "1.0",
    }


def _paths(score, content, version):
    """The three routes. `score` is what differs in the request, `content` makes a response's part of the document."""
    prefix = os.environ.get("SERVICE_PATH_PREFIX", "").strip("/")
    prefix = "/" + prefix if prefix else ""
    failed = content("The request failed", "ErrorResponse")
    health = {
        "operationId": "ServiceHealthCheck",
        "description": "Whether the service is ready",
        "responses": {"200": content("The service is ready", "Healthy"), "default": failed},
    }
    run = {
        "operationId": "RunMLService",
        "description": "Runs the model on the input",
        "security": [{"Bearer": []}],
        "responses": {"200": content("The output", "ServiceOutput"), "default": failed},
    }
    run.update(score)
    swagger = {
        "operationId": "GetSwaggerSpec",
        "description": "This document",
        "parameters": [dict({"name": "version", "in": "query", "required": False}, **version)],
        "responses": {"200": content("The document", "text"), "default": failed},
    }
    return {prefix + "/": {"get": health}, prefix + "/score": {"post": run}, prefix + "/swagger.json": {"get": swagger}}


_VERSION = {"type": "integer", "enum": [2, 3]}
_ERROR = {"type": "object", "properties": {"message": {"type": "string"}}}
_SECURITY = {"Bearer": {"type": "apiKey", "name": "Authorization", "in": "header", "description": "Bearer KEY"}}


def _swagger2(given, returned):
    def content(description, kind):
        part = {"description": description, "schema": {"type": "string"}}
        if kind == "Healthy":
            part["examples"] = {"application/json": kind}
        elif kind != "text":
            part["schema"] = {"$ref": "#/definitions/" + kind}
        return part

    payload = {
        "name": "serviceInputPayload",
        "in": "body",
        "description": "The input",
        "schema": {"$ref": "#/definitions/ServiceInput"},
    }
    return {
        "swagger": "2.0",
        "info": _about(),
        "schemes": ["https"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": _SECURITY,
        "paths": _paths({"parameters": [payload]}, content, _VERSION),
        "definitions": {"ServiceInput": given, "ServiceOutput": returned, "ErrorResponse": _ERROR},
    }


def _openapi3(version, given, returned):
    def schema(kind):
        return {"application/json": {"schema": {"$ref": "#/components/schemas/" + kind}}}

    def content(description, kind):
        if kind == "Healthy":
            parts = {"text/plain": {"schema": {"type": "string", "example": kind}}}
        elif kind == "text":
            parts = {"text/plain": {"schema": {"type": "string"}}}
        else:
            parts = schema(kind)
        return {"description": description, "content": parts}

    score = {"requestBody": {"description": "The input", "content": schema("ServiceInput")}}
    return {
        "openapi": "3.1.0" if version == "3.1" else "3.0.3",
        "info": _about(),
        "security": [{"Bearer": []}],
        "paths": _paths(score, content, {"schema": _VERSION}),
        "components": {
            "schemas": {"ServiceInput": given, "ServiceOutput": returned, "ErrorResponse": _ERROR},
            "securitySchemes": _SECURITY,
        },
    }
