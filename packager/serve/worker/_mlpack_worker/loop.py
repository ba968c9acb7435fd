"""The worker's life: load, init(), then one call after another."""
import io
import json
import os
import signal
import sys
import time
import traceback

from . import collector, planted, swagger
from .channel import Channel, Closed
from .script import BadRequest, Script, ScriptError, load

JSON = ("Content-Type", "application/json")
FAILED = "x-ms-run-function-failed"
MOST_FILES = 200
LONGEST_FAILURE = 1 << 16


class TimedOut(BaseException):
    """run() took longer than it may. No Exception, so that a script's own handlers let it pass."""


def main():
    """Serves calls until the front door closes the socket."""
    # The front door ends workers by closing the socket; signals of a terminal are for it alone.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, _on_alarm)
    channel = Channel()
    _buffer_lines()
    try:
        script, documents = _boot()
    except ScriptError as error:
        channel.send({"failure": str(error)[-LONGEST_FAILURE:]})
        sys.exit(3)
    except BaseException:
        _list_models()
        channel.send({"failure": _traceback()[-LONGEST_FAILURE:]})
        sys.exit(3)
    channel.send({"raw": script.is_raw, "mini_batch": script.takes_mini_batches})
    while True:
        try:
            head, body = channel.receive()
        except Closed:
            break
        try:
            if head["call"] == "swagger":
                channel.send(*_swagger(documents, head))
            elif head["call"] == "batch":
                channel.send(*_call(script, head, lambda: {"mini_batch": json.loads(body.decode("utf-8"))}, _rows))
            else:
                channel.send(*_call(script, head, lambda: script.arguments(head, body), _answer))
        except Closed:
            # A process that run() forked and that returned from run() ends here.
            os._exit(0)
    _flush()


def _boot():
    app_root = os.environ.get("AML_APP_ROOT", "/var/azureml-app")
    entry_script = os.environ.get("AZUREML_ENTRY_SCRIPT")
    if not entry_script:
        raise ScriptError("AZUREML_ENTRY_SCRIPT is not set: there is no script to serve")
    try:
        os.chdir(app_root)
    except OSError as error:
        raise ScriptError("cannot enter the app root: %s" % error)
    sys.path.insert(0, app_root)
    source = os.environ.get("AZUREML_SOURCE_DIRECTORY")
    if source:
        sys.path.append(os.path.join(app_root, source))
    planted.install()
    script = Script(load(app_root, entry_script))
    script.init()
    documents = swagger.documents(app_root, script)
    _flush()
    return script, documents


def _call(script, head, arguments_of, answer_of):
    """Calls run() with arguments, and returns the reply for what it returned."""
    milliseconds = None
    collector.request_id[0] = head["id"]
    try:
        arguments = arguments_of()
        begun = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, head["timeout_ms"] / 1000.0)
        try:
            output = script.run(**arguments)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            milliseconds = (time.perf_counter() - begun) * 1000
            _flush()
    except BadRequest as error:
        return _failure(error.status, error.message)
    except TimedOut:
        print(_traceback(), file=sys.stderr, flush=True)
        reply, body = _failure(504, "run() did not return within %d ms" % head["timeout_ms"], True)
        reply["timed_out"] = True
        return reply, body
    except BaseException as error:
        print(_traceback(), file=sys.stderr, flush=True)
        if isinstance(error, (SystemExit, KeyboardInterrupt)):
            raise
        message = "run() raised %s; the log has the traceback" % type(error).__name__
        return _failure(500, message, True, milliseconds)
    try:
        reply, body = answer_of(output)
    except Exception:
        print(_traceback(), file=sys.stderr, flush=True)
        message = "what run() returned cannot be sent as JSON; the log has the traceback"
        return _failure(500, message, False, milliseconds)
    reply["headers"].append(("x-ms-run-fn-exec-ms", "%.3f" % milliseconds))
    reply["run_ms"] = milliseconds
    return reply, body


def _answer(output):
    """The reply for what run() returned: a response object as it is, anything else as JSON."""
    if hasattr(output, "status_code") and hasattr(output, "get_data") and hasattr(output, "headers"):
        pairs = output.pairs() if hasattr(output, "pairs") else list(output.headers.items())
        if output.status_code >= 500:
            pairs = [(name, value) for name, value in pairs if name.lower() != FAILED] + [(FAILED, "True")]
        pairs = [(str(name), str(value)) for name, value in pairs]
        return {"status": output.status_code, "headers": pairs}, output.get_data()
    text = "{}" if output is None else json.dumps(output)
    return {"status": 200, "headers": [JSON, (FAILED, "False")]}, text.encode("utf-8")


def _rows(output):
    """The reply for what run(mini_batch) returned: the rows of a list or of a data frame."""
    if hasattr(output, "to_json"):
        rows = json.loads(output.to_json(orient="records"))
    else:
        rows = list(output) if isinstance(output, (list, tuple)) else output
    return {"status": 200, "headers": [JSON, (FAILED, "False")]}, json.dumps(rows).encode("utf-8")


def _swagger(documents, head):
    status, value = documents.find(head["target"])
    return {"status": status, "headers": [JSON, (FAILED, "False")]}, json.dumps(value).encode("utf-8")


def _failure(status, message, failed=False, milliseconds=None):
    body = json.dumps({"message": message}).encode("utf-8")
    return {"status": status, "headers": [JSON, (FAILED, str(failed))], "run_ms": milliseconds}, body


def _on_alarm(number, frame):
    raise TimedOut()


def _traceback():
    """The traceback of the current exception from the script on: without what led to it here and in importlib."""
    kind, error, trace = sys.exc_info()
    while trace is not None and _is_own(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return "".join(traceback.format_exception(kind, error, trace)).rstrip()


def _is_own(name):
    here = os.path.dirname(os.path.abspath(__file__))
    return name.startswith("<frozen importlib") or os.path.dirname(os.path.abspath(name)) == here


def _list_models():
    """Prints what is in the model folder: a wrong path is why most init() fail."""
    folder = os.environ.get("AZUREML_MODEL_DIR")
    if not folder or not os.path.isdir(folder):
        return
    print("files in AZUREML_MODEL_DIR (%s):" % folder, file=sys.stderr)
    count = 0
    for directory, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            count += 1
            if count > MOST_FILES:
                print("  and more", file=sys.stderr, flush=True)
                return
            print("  " + os.path.relpath(os.path.join(directory, name), folder), file=sys.stderr, flush=True)


def _buffer_lines():
    """Has each line of output written at once, so that a process that is killed loses none."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True)
        else:
            wrapper = io.TextIOWrapper(stream.buffer, stream.encoding, stream.errors, line_buffering=True)
            setattr(sys, name, wrapper)


def _flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass
