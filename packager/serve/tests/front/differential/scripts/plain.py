import json


def init():
    pass


class Odd:
    pass


def run(data, request_headers):
    if not data.startswith("!"):
        return {"data": data, "kind": type(data).__name__}
    what = data[1:]
    if what == "none":
        return None
    if what == "text":
        return "text"
    if what == "double":
        return json.dumps({"a": 1})
    if what == "nan":
        return [float("nan"), float("inf")]
    if what == "list":
        return [1, 2.5, True, None, "\u00fc", "\U0001f600"]
    if what == "nested":
        return {"a": {"b": [{"c": 1}]}, "d": {}}
    if what == "intkeys":
        return {1: 2, None: 3, True: 4}
    if what == "tuple":
        return (1, 2)
    if what == "set":
        return {1}
    if what == "bytes":
        return b"x"
    if what == "object":
        return Odd()
    if what == "ndarray":
        import numpy

        return numpy.array([1, 2])
    if what == "float32":
        import numpy

        return numpy.float32(1)
    if what == "raise":
        raise ValueError("secret")
    if what == "key":
        raise KeyError("k")
    if what == "import":
        import nothing_of_this_name  # noqa: F401
    if what == "assert":
        assert False
    if what == "headers":
        return sorted(name for name in request_headers if name not in ("Connection", "Content-Length", "Host"))
    if what.startswith("header "):
        return request_headers.get(what[7:])
    if what == "big":
        return "x" * 3000000
    if what == "response":
        from azureml.contrib.services.aml_response import AMLResponse

        return AMLResponse("plain", 202, {"X-Own": "a, b", "Content-Type": "text/x"})
    if what == "response json":
        from azureml.contrib.services.aml_response import AMLResponse

        return AMLResponse({"a": [1]}, 200, json_str=True)
    if what == "response 500":
        from azureml.contrib.services.aml_response import AMLResponse

        return AMLResponse("failed", 500)
    if what == "response 404":
        from azureml.contrib.services.aml_response import AMLResponse

        return AMLResponse("gone", 404, {}, False, True)
    if what == "response none":
        from azureml.contrib.services.aml_response import AMLResponse

        return AMLResponse(None, 200)
    return what
