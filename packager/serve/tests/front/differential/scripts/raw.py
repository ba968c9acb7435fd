from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse


def init():
    pass


@rawhttp
def run(request):
    if request.method in ("HEAD", "OPTIONS"):
        return AMLResponse("", 200, {"X-Method": request.method})
    what = request.args.get("what")
    if what == "type":
        return isinstance(request, AMLRequest)
    if what == "echo":
        return AMLResponse(request.get_data(), 200, {"Content-Type": "application/octet-stream"})
    if what == "form":
        return [sorted(request.form.items()), [(f.filename, f.read().decode()) for f in request.files.values()]]
    if what == "json":
        return request.get_json(force=True)
    if what == "strict":
        return request.get_json(silent=True)
    if what == "args":
        return [request.args.getlist("a"), request.args.get("n", type=int), request.args.get("none")]
    if what == "headers":
        return [request.headers.get("x-own"), request.headers["X-Own"], "X-Nope" in request.headers]
    if what == "paths":
        return [request.path, request.full_path, request.query_string.decode(), request.method]
    if what == "content":
        return [request.content_type, request.mimetype, request.content_length, request.is_json]
    if what == "binary":
        return AMLResponse(bytes(range(256)), 200, {"Content-Type": "image/png"})
    if what == "raise":
        raise RuntimeError("secret")
    return {"data": request.data.decode("latin-1")}
