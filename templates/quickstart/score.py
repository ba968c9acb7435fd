# Reads handwritten digits: 8 x 8 pixels from 0 (white) to 16 (black), row by row.
import json
import os

import numpy as np

# Newer versions of onnxruntime send telemetry unless it is disabled before the import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime  # noqa: E402


def init():
    """Runs once, before the first request."""
    global session
    # With one model, AZUREML_MODEL_DIR is the folder with its file.
    path = os.path.join(os.environ["AZUREML_MODEL_DIR"], "digits.onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def run(raw_data):
    """Runs for every request; the body is text, and the return value is sent as JSON."""
    images = np.array(json.loads(raw_data)["data"], dtype=np.float32)
    labels, probabilities = session.run(["label", "probabilities"], {"image": images})
    return {
        "labels": labels.tolist(),
        "probabilities": [round(float(row.max()), 3) for row in probabilities],
    }
