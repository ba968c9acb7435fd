import numpy as np
import pandas as pd
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    pass


INPUTS = StandardPythonParameterType(
    {
        "array": NumpyParameterType(np.array([1, 2])),
        "frame": PandasParameterType(pd.DataFrame({"a": [1]})),
        "text": StandardPythonParameterType("x"),
    }
)


@input_schema("Inputs", INPUTS)
@input_schema("GlobalParameters", StandardPythonParameterType({"scale": StandardPythonParameterType(1.0)}))
@output_schema(StandardPythonParameterType({"sum": 1.0}))
def run(Inputs, GlobalParameters):
    return {"sum": float(Inputs["array"].sum() + Inputs["frame"]["a"].sum()) * GlobalParameters["scale"]}
