from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    pass


@input_schema("number", StandardPythonParameterType(1.5))
@input_schema("names", StandardPythonParameterType({"a": [1, 2], "b": "x"}))
@output_schema(StandardPythonParameterType([1.5]))
def run(number, names, factor=2):
    return [number * factor, names]
