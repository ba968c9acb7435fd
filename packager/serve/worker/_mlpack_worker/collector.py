"""ModelDataCollector of azureml-monitoring: rows of a model's inputs and predictions, as CSV files in a mounted folder.

Below MLPACK_MODEL_DATA_DIR the layout is that of Azure's container `modeldata` (docs/azureml-2019.md#4.8):
SUBSCRIPTION/GROUP/WORKSPACE/SERVICE/MODEL/VERSION/DESIGNATION/YYYY/MM/DD/data.csv. A file that has reached its size is
renamed to data-N.csv; when a day has its number of files, further rows are dropped and counted.
"""
import csv
import io
import json
import os
import sys
import threading
import time
import uuid

MOST_BYTES = 64 << 20
MOST_FILES = 16
CORRELATION = "$aml_dc_correlation_id"
TIMESTAMP = "$aml_dc_scoring_timestamp"
REQUEST = "$aml_request_id"


class ModelDataCollector:
    """Writes what is collected if AML_MODEL_DC_STORAGE_ENABLED is true and there is a folder; else does nothing."""

    def __init__(
        self,
        model_name,
        designation="default",
        feature_names=None,
        workspace="default/default/default",
        webservice_name="default",
        model_version="default",
        collection_name="default",
        identifier=None,
    ):
        designation = identifier or designation
        self._names = list(feature_names) if feature_names is not None else None
        self._folder = None
        self._dropped = 0
        self._lock = threading.Lock()
        root = os.environ.get("MLPACK_MODEL_DATA_DIR")
        if os.environ.get("AML_MODEL_DC_STORAGE_ENABLED", "").lower() != "true":
            return
        if not root:
            print("model data is not collected: MLPACK_MODEL_DATA_DIR is not set", file=sys.stderr)
            return
        known = _models()
        if workspace == "default/default/default":
            account = known.get("accountContext", {})
            parts = (account.get(key, "default") for key in ("subscriptionId", "resourceGroupName", "accountName"))
            workspace = "/".join(parts).lower()
        if webservice_name == "default":
            webservice_name = os.environ.get("SERVICE_NAME") or "default"
        if model_version == "default":
            versions = [version for version in known.get("modelsInfo", {}).get(model_name, ()) if version.isdigit()]
            model_version = max(versions, key=int) if versions else "default"
        designation = "general" if designation == "default" else designation
        parts = workspace.split("/") + [webservice_name, model_name, str(model_version), designation]
        self._folder = os.path.join(root, *[part.replace("/", "_").replace("..", "_") for part in parts])

    def collect(self, input_data, user_correlation_id="", **others):
        """Adds the rows of a list, an array or a data frame. Returns the data that joins predictions to inputs."""
        correlation = user_correlation_id or str(uuid.uuid4())
        if self._folder is not None:
            try:
                with self._lock:
                    self._write(_rows(input_data), _columns(input_data) or self._names, correlation)
            except OSError as error:
                # A full or missing disk must not fail the request.
                self._drop(str(error))
        return {CORRELATION: correlation}

    def add_correlations(self, correlations):
        """Accepts what collect() returned; rows have their identifiers already."""

    def _write(self, rows, names, correlation):
        now = time.gmtime()
        folder = os.path.join(self._folder, time.strftime("%Y/%m/%d", now))
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "data.csv")
        if os.path.exists(path) and os.path.getsize(path) >= MOST_BYTES:
            count = len(os.listdir(folder))
            if count >= MOST_FILES:
                self._drop("the day has %d files of %d bytes" % (count, MOST_BYTES))
                return
            os.rename(path, os.path.join(folder, "data-%d.csv" % count))
        text = io.StringIO()
        writer = csv.writer(text)
        if not os.path.exists(path):
            width = max([len(row) for row in rows] or [0])
            writer.writerow((names or ["%d" % number for number in range(width)]) + [CORRELATION, TIMESTAMP, REQUEST])
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", now)
        for row in rows:
            writer.writerow(list(row) + [correlation, stamp, request_id[0]])
        # One write at the end of the file, so that rows of several workers stay whole.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(handle, text.getvalue().encode("utf-8"))
        finally:
            os.close(handle)

    def _drop(self, reason):
        self._dropped += 1
        if self._dropped & (self._dropped - 1) == 0:
            print("model data is dropped (%d times): %s" % (self._dropped, reason), file=sys.stderr)


# The identifier of the request that run() is called for.
request_id = [""]


def _models():
    """The file that describes the deployment's models; absent in many images."""
    path = os.path.join(os.environ.get("AML_APP_ROOT", "/var/azureml-app"), "model_config_map.json")
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def _columns(data):
    columns = getattr(data, "columns", None)
    return None if columns is None else [str(name) for name in columns]


def _rows(data):
    """Rows of a data frame, of an array or list of rows, or of one row."""
    if hasattr(data, "values") and hasattr(data, "columns"):
        data = data.values
    if hasattr(data, "tolist"):
        data = data.tolist()
    if not isinstance(data, (list, tuple)):
        return [[data]]
    if data and all(isinstance(row, (list, tuple)) for row in data):
        return [list(row) for row in data]
    return [list(data)]
