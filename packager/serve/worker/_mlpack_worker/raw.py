"""Raw HTTP for scripts with @rawhttp: the request and response classes of azureml-contrib-services.

Where that package (or Azure's server, which has the same classes) is installed, its classes are used; they need Flask.
Where it is not, modules of the same names are made here, with the same members but for those that need Flask itself.
"""
import io
import json
import sys
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl, unquote

_REQUESTS = ("azureml.contrib.services.aml_request", "azureml_inference_server_http.api.aml_request")


def is_requested():
    """Whether the script used @rawhttp of any of the modules that have it."""
    if rawhttp.used:
        return True
    modules = (sys.modules.get(name) for name in _REQUESTS)
    return any(getattr(module, "_rawHttpRequested", False) for module in modules)


def request(head, body):
    """The request as the script's own AMLRequest: Flask's if the installed package is in use, else ours."""
    if not rawhttp.used:
        from flask import Request

        return Request(_environ(head, body))
    return AMLRequest(head, body)


def titled(headers):
    """Headers as Flask gives them to request_headers: a dictionary with names like Content-Type."""
    result = {}
    for name, value in headers:
        name = "-".join(part.capitalize() for part in name.split("-"))
        result[name] = result[name] + "," + value if name in result else value
    return result


def rawhttp(function):
    """Marks run() as one that takes the whole request."""
    rawhttp.used = True
    return function


rawhttp.used = False


class Values(dict):
    """Parameters by name: the first value of each, and all with getlist()."""

    def __init__(self, pairs):
        dict.__init__(self)
        self._lists = {}
        for name, value in pairs:
            self._lists.setdefault(name, []).append(value)
            self.setdefault(name, value)

    def getlist(self, name):
        """All values of a name."""
        return list(self._lists.get(name, ()))

    def get(self, name, default=None, type=None):
        """The first value, converted by `type` if that succeeds."""
        value = dict.get(self, name, default)
        if type is None or name not in self:
            return value
        try:
            return type(value)
        except ValueError:
            return default


class Headers(Values):
    """Headers by name, whatever the case."""

    def __init__(self, pairs):
        Values.__init__(self, [(name.lower(), value) for name, value in pairs])

    def __getitem__(self, name):
        return Values.__getitem__(self, name.lower())

    def __contains__(self, name):
        return Values.__contains__(self, name.lower())

    def get(self, name, default=None, type=None):
        return Values.get(self, name.lower(), default, type)

    def getlist(self, name):
        return Values.getlist(self, name.lower())


class File(io.BytesIO):
    """An uploaded file."""

    def __init__(self, name, filename, content_type, content):
        io.BytesIO.__init__(self, content)
        self.name, self.filename, self.content_type = name, filename, content_type

    def save(self, target):
        """Writes the content to a path or an open file."""
        if hasattr(target, "write"):
            target.write(self.getvalue())
        else:
            with open(target, "wb") as file:
                file.write(self.getvalue())


class AMLRequest:
    """A request with the members of Flask's that scripts use."""

    def __init__(self, head, body):
        self.method = head["method"]
        self.headers = Headers(head["headers"])
        self.remote_addr = head["remote"] or None
        path, _, query = head["target"].partition("?")
        self.path = unquote(path)
        self.full_path = self.path + "?" + query
        self.query_string = query.encode("latin-1")
        self.args = Values(parse_qsl(query, keep_blank_values=True))
        self.host = self.headers.get("host", "")
        self.base_url = "http://" + self.host + self.path
        self.url = self.base_url + ("?" + query if query else "")
        self.content_type = self.headers.get("content-type")
        self.content_length = self.headers.get("content-length", type=int)
        self.mimetype = (self.content_type or "").partition(";")[0].strip().lower()
        self.is_json = self.mimetype == "application/json" or self.mimetype.endswith("+json")
        self._body = body
        self._parts = None

    @property
    def data(self):
        """The body, empty where it is a form."""
        return b"" if self._is_form() else self._body

    @property
    def stream(self):
        """The body as a file."""
        return io.BytesIO(self._body)

    def get_data(self, cache=True, as_text=False, parse_form_data=False):
        """The body as bytes or text."""
        return self._body.decode("utf-8") if as_text else self._body

    def get_json(self, force=False, silent=False, cache=True):
        """The body's JSON; None if it is of another type."""
        if not (force or self.is_json):
            return None
        try:
            return json.loads(self._body.decode("utf-8"))
        except ValueError:
            if silent:
                return None
            raise

    json = property(get_json)

    @property
    def form(self):
        """Fields of a form."""
        return self._form()[0]

    @property
    def files(self):
        """Files of a form."""
        return self._form()[1]

    @property
    def values(self):
        """Parameters of the query and fields of the form."""
        merged = Values([])
        for part in (self.args, self.form):
            for name, texts in part._lists.items():
                merged._lists.setdefault(name, []).extend(texts)
                merged.setdefault(name, texts[0])
        return merged

    def _is_form(self):
        return self.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data")

    def _form(self):
        if self._parts is None:
            self._parts = self._read_form()
        return self._parts

    def _read_form(self):
        if self.mimetype == "application/x-www-form-urlencoded":
            return Values(parse_qsl(self._body.decode("utf-8"), keep_blank_values=True)), Values([])
        if self.mimetype != "multipart/form-data":
            return Values([]), Values([])
        header = ("Content-Type: " + self.content_type + "\r\n\r\n").encode("latin-1")
        fields, files = [], []
        for part in BytesParser(policy=HTTP).parsebytes(header + self._body).iter_parts():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True) or b""
            filename = part.get_filename()
            if filename is None:
                fields.append((name, content.decode(part.get_content_charset() or "utf-8")))
            else:
                files.append((name, File(name, filename, part.get_content_type(), content)))
        return Values(fields), Values(files)


class AMLResponse:
    """A response with status and headers, returned by run()."""

    def __init__(self, message, status_code, response_headers={}, json_str=False, run_function_failed=False):
        kind = "application/json"
        if message is None:
            data = b"{}"
        elif json_str:
            data = json.dumps(message).encode("utf-8")
        else:
            data = message.encode("utf-8") if isinstance(message, str) else bytes(message)
            kind = "text/html; charset=utf-8"
        self._data = data
        self.status_code = status_code
        pairs = [(name, part.strip()) for name, value in response_headers.items() for part in value.split(",")]
        if json_str or message is None or not any(name.lower() == "content-type" for name, _ in pairs):
            pairs.insert(0, ("Content-Type", kind))
        pairs.append(("x-ms-run-function-failed", str(run_function_failed)))
        self._pairs = pairs
        self.headers = Headers(pairs)

    def get_data(self, as_text=False):
        """The body."""
        return self._data.decode("utf-8") if as_text else self._data

    data = property(get_data)

    def pairs(self):
        """All headers in order."""
        return list(self._pairs)


def _environ(head, body):
    """The request as WSGI has it (PEP 3333), for Flask's class."""
    path, _, query = head["target"].partition("?")
    environ = {
        "REQUEST_METHOD": head["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1"),
        "QUERY_STRING": query,
        "REMOTE_ADDR": head["remote"],
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "5001",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in head["headers"]:
        key = name.upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else "HTTP_" + key
        if key != "HTTP_CONTENT_LENGTH":
            environ[key] = environ[key] + "," + value if key in environ else value
    return environ
