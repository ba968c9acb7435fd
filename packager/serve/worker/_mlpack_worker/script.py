"""The entry script: loaded as Azure's server loads it, and its run() called with what it asks for."""
import importlib.util
import inspect
import json
import os
import sys
from types import ModuleType
from urllib.parse import parse_qsl

from . import raw


class ScriptError(Exception):
    """The script cannot be served; the message says why."""


class BadRequest(Exception):
    """The request does not fit the script."""

    def __init__(self, status, message):
        Exception.__init__(self, message)
        self.status = status
        self.message = message


def load(app_root, entry_script):
    """Imports the script. Whatever it raises passes through."""
    path = os.path.join(app_root, entry_script.replace("/", os.sep))
    if not os.path.isfile(path):
        raise ScriptError("the entry script %s is not in %s" % (entry_script, app_root))
    spec = importlib.util.spec_from_file_location("entry_module", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Script:
    """The functions of a loaded script and how run() is called."""

    def __init__(self, module):
        for name in ("init", "run"):
            if not callable(getattr(module, name, None)):
                raise ScriptError("%s has no function %s()" % (module.__file__, name))
        self.init = module.init
        # A driver of Azure's SDK calls the script: its run() loses decorators, its init() does more than the script's.
        driven = getattr(module, "driver_module", None)
        self.run = driven.run if isinstance(driven, ModuleType) and hasattr(driven, "run") else module.run
        parameters = list(inspect.signature(self.run).parameters.values())
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        if any(parameter.kind not in kinds for parameter in parameters):
            raise ScriptError("run() may not have positional-only parameters, *args or **kwargs")
        self._wants_headers = any(p.name == "request_headers" for p in parameters)
        self._parameters = [p for p in parameters if p.name != "request_headers"]
        if not self._parameters:
            raise ScriptError("run() has no parameter for the request's data")
        self.is_raw = raw.is_requested()
        # As batch scripts of Azure ML have it: a list of inputs in, a row for each out.
        self.takes_mini_batches = [p.name for p in parameters] == ["mini_batch"]
        self.has_schema = _is_decorated(self.run)
        if self.is_raw and self.has_schema:
            raise ScriptError("run() is decorated with both @rawhttp and @input_schema")

    def arguments(self, head, body):
        """The keyword arguments of run() for a request. Raises BadRequest."""
        if self.is_raw:
            arguments = {self._parameters[0].name: raw.request(head, body)}
        elif head["method"] == "GET":
            values = _query(head["target"])
            arguments = self._of_object(values) if self.has_schema else {self._parameters[0].name: json.dumps(values)}
        elif self.has_schema:
            arguments = self._of_object(_object(head, body))
        else:
            try:
                arguments = {self._parameters[0].name: body.decode("utf-8")}
            except UnicodeDecodeError as error:
                raise BadRequest(400, "the body is not UTF-8: %s" % error)
        if self._wants_headers:
            arguments["request_headers"] = raw.titled(head["headers"])
        return arguments

    def _of_object(self, values):
        arguments = {}
        for parameter in self._parameters:
            value = values.get(parameter.name, parameter.default)
            if value is inspect.Parameter.empty:
                raise BadRequest(400, "the parameter '%s' of run() has no value" % parameter.name)
            arguments[parameter.name] = value
        return arguments


def _is_decorated(run):
    """Whether run() has schemas of the package inference-schema. Only a script that imported it can."""
    if "inference_schema" not in sys.modules:
        return False
    from inference_schema.schema_util import is_schema_decorated

    return bool(is_schema_decorated(run))


def _query(target):
    """The query's parameters, JSON where they are JSON; a repeated one is a list."""
    query = target.partition("?")[2]
    values = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        values.setdefault(name, []).append(value)
    return {name: value[0] if len(value) == 1 else value for name, value in values.items()}


def _object(head, body):
    kind = dict(head["headers"]).get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise BadRequest(415, "expected the content type application/json, found '%s'" % kind)
    if not body:
        raise BadRequest(400, "the body is empty; expected a JSON object")
    # From Python 3.6 on the parser recognizes UTF-16 and UTF-32, as for Azure's server.
    encoding = json.detect_encoding(body) if hasattr(json, "detect_encoding") else "utf-8-sig"
    try:
        value = json.loads(body.decode(encoding, "surrogatepass"))
    except ValueError as error:
        raise BadRequest(400, "the body is not JSON: %s" % error)
    if not isinstance(value, dict):
        raise BadRequest(400, "the body is not a JSON object")
    return value
