"""Modules that scripts import and that an environment may lack. What is installed wins over them."""
import importlib.abc
import importlib.machinery
import sys
from types import ModuleType

from . import collector, raw


def _request():
    return {"rawhttp": raw.rawhttp, "AMLRequest": raw.AMLRequest}


def _response():
    return {"AMLResponse": raw.AMLResponse}


def _monitoring():
    return {"ModelDataCollector": collector.ModelDataCollector}


# Packages have no members of their own.
_MODULES = {
    "azureml": None,
    "azureml.contrib": None,
    "azureml.contrib.services": None,
    "azureml.contrib.services.aml_request": _request,
    "azureml.contrib.services.aml_response": _response,
    "azureml.monitoring": _monitoring,
    "azureml_inference_server_http": None,
    "azureml_inference_server_http.api": None,
    "azureml_inference_server_http.api.aml_request": _request,
    "azureml_inference_server_http.api.aml_response": _response,
}


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name not in _MODULES:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=_MODULES[name] is None)

    def create_module(self, spec):
        return ModuleType(spec.name)

    def exec_module(self, module):
        members = _MODULES[module.__name__]
        if members is not None:
            module.__dict__.update(members())


def install():
    """Puts the modules behind everything that is installed."""
    sys.meta_path.append(_Finder())
