#!/usr/bin/env python3
"""Requests per second and latency of a script behind five servers, in one run.

    python3 benches/serving.py [--binary PATH] [--seconds 5] [--connections 1 8 64] [--servers builtin ...]
                               [--scripts trivial ridge] [--dir DIR]

    builtin         mlpack-serve with the builtin worker
    behind          mlpack-serve in front of azmlinfsrv, as `--server azmlinfsrv` starts it
    azmlinfsrv      azureml-inference-server-http alone
    granian         a WSGI application around the same script
    coglet          a predictor around the same script

Each server has one worker process. Every figure is of wrk with one thread, after a second of warming up; CPU of clients
and servers is shared. Bodies: `{"data": 1}` for the trivial script, which returns what it got, and one row of ten numbers
for the ridge regression of fixtures/sklearn-ridge. Memory is the peak of the front door alone (VmHWM). Needs wrk, a Python
3.11 and the package index; the packages are installed in DIR (default: a temporary folder). The binary is the static one
that a build of mlpack embeds.
"""
import argparse
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORKER = ROOT / "packager/serve/worker"
PACKAGES = ["azureml-inference-server-http==1.5.1", "granian==2.8.9", "cog==0.23.1", "coglet==0.23.1", "scikit-learn==1.5.2", "joblib"]

TRIVIAL = """
def init():
    pass


def run(data):
    return data
"""

RIDGE = """
import json
import os

import joblib
import numpy


def init():
    global model
    model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "ridge.pkl"))


def run(data):
    return model.predict(numpy.array(json.loads(data)["data"])).tolist()
"""

TRAIN = """
import joblib
import numpy
from sklearn.linear_model import Ridge

rows = numpy.arange(1000.0).reshape(100, 10) % 7
joblib.dump(Ridge().fit(rows, rows.sum(axis=1)), "ridge.pkl")
"""

BODIES = {"trivial": '{"data": 1}', "ridge": '{"data": [[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]]}'}

WSGI = """
import json

import score

score.init()


def app(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
    answer = json.dumps(score.run(body)).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]
"""

PREDICTOR = """
import json

import score
from cog import BasePredictor


class Predictor(BasePredictor):
    def setup(self):
        score.init()

    def predict(self, data: str) -> str:
        return json.dumps(score.run(data))
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Bench:
    """A folder with packages, scripts and a model."""

    def __init__(self, folder, binary):
        self.folder, self.binary = folder, binary
        self.bin = folder / "venv/bin"
        if not (self.bin / "azmlinfsrv").exists():
            subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
            subprocess.run([self.bin / "pip", "install", "-q", *PACKAGES], check=True)
        for name, script in (("trivial", TRIVIAL), ("ridge", RIDGE)):
            home = folder / name
            home.mkdir(exist_ok=True)
            (home / "score.py").write_text(script)
            (home / "wsgi.py").write_text(WSGI)
            (home / "predict.py").write_text(PREDICTOR)
            body = BODIES[name]
            (home / "score.lua").write_text(lua(body))
            (home / "coglet.lua").write_text(lua('{"input": {"data": %s}}' % quoted(body)))
        subprocess.run([self.bin / "python", "-c", TRAIN], cwd=folder / "ridge", check=True)

    def command(self, server, home, port):
        """The program, its variables and the path that is asked."""
        python, inner = str(self.bin / "python"), free_port()
        door = {"MLPACK_LISTEN": "127.0.0.1:%d" % port, "MLPACK_OPERATIONS_LISTEN": "127.0.0.1:0"}
        azure = [python, str(self.bin / "azmlinfsrv"), "--entry_script", "score.py", "--port"]
        return {
            "builtin": ([self.binary, "serve", "--", python, "-B", str(WORKER)], door, "/score"),
            "behind": ([self.binary, "proxy", "--to", "127.0.0.1:%d" % inner, "--", *azure, str(inner)], door, "/score"),
            "azmlinfsrv": ([*azure, str(port)], {}, "/score"),
            "granian": ([str(self.bin / "granian"), "--interface", "wsgi", "--no-access-log", "--log-level", "warning",
                         "--port", str(port), "wsgi:app"], {}, "/score"),
            "coglet": ([python, "-c", "import coglet; coglet.server.serve('predict.py:Predictor', port=%d)" % port],
                       {"COG_LOG_LEVEL": "error"}, "/predictions"),
        }[server]

    def measure(self, server, script, connections, seconds):
        """Prints a line for each number of connections."""
        home, port = self.folder / script, free_port()
        argv, variables, path = self.command(server, home, port)
        variables.update(PATH="%s:%s" % (self.bin, os.environ["PATH"]), AML_APP_ROOT=str(home), HOME=str(home),
                         AZUREML_ENTRY_SCRIPT="score.py", AZUREML_MODEL_DIR=str(home), PYTHONDONTWRITEBYTECODE="1")
        script_file = str(home / ("coglet.lua" if server == "coglet" else "score.lua"))
        url = "http://127.0.0.1:%d%s" % (port, path)
        with (self.folder / "log").open("wb") as log:
            program = subprocess.Popen(argv, env=variables, cwd=home, stdout=log, stderr=log, start_new_session=True)
        try:
            body = BODIES[script] if server != "coglet" else '{"input": {"data": %s}}' % quoted(BODIES[script])
            first = wait_until_answered(program, url, body, self.folder / "log")
            wrk(url, script_file, 1, 1)
            for count in connections:
                row = wrk(url, script_file, count, seconds)
                print("| %s | %s | %d | %s | %s | %s |" % (script, server, count, *row), flush=True)
            memory = peak(program.pid) if server in ("builtin", "behind") else None
            note = ", front door's peak memory %.1f MB" % memory if memory else ""
            print("<!-- %s %s: first answer after %.2f s%s -->" % (script, server, first, note), flush=True)
        finally:
            end(program, home)
            program.wait()


def end(program, home):
    """Kills a server with everything that works in its folder: some servers start processes in sessions of their own."""
    program.kill()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").resolve() == home:
                os.kill(int(process.name), signal.SIGKILL)


def quoted(text):
    return '"%s"' % text.replace('"', '\\"')


def lua(body):
    return 'wrk.method = "POST"\nwrk.body = [==[%s]==]\nwrk.headers["Content-Type"] = "application/json"\n' % body


def wait_until_answered(program, url, body, log):
    """Seconds from the start to the first answer."""
    begun = time.monotonic()
    while time.monotonic() < begun + 60 and program.poll() is None:
        request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
        try:
            urllib.request.urlopen(request, timeout=10).read()
            return time.monotonic() - begun
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.02)
    sys.exit("%s does not answer: %s" % (url, log.read_text()[-2000:]))


def wrk(url, script, connections, seconds):
    """Requests per second, p50 and p99 in ms."""
    argv = ["wrk", "-t1", "-c%d" % connections, "-d%ds" % seconds, "--latency", "--timeout", "20s", "-s", script, url]
    text = subprocess.run(argv, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
    if "Socket errors" in text:
        sys.exit(text)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    if refused:
        # What is refused at once says nothing of how long an answer takes.
        total = int(re.search(r"(\d+) requests in", text).group(1))
        share = int(refused.group(1)) / total
        return ("%.0f, and %.0f refused" % (rate * (1 - share), rate * share), "-", "-")
    return ("%.0f" % rate, *(milliseconds(re.search(r"%s%%\s+([\d.]+)(us|ms|s)" % p, text)) for p in (50, 99)))


def milliseconds(found):
    return "%.3g" % (float(found.group(1)) * {"us": 0.001, "ms": 1, "s": 1000}[found.group(2)])


def peak(pid):
    """Peak of resident memory in MB."""
    text = pathlib.Path("/proc/%d/status" % pid).read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", text).group(1)) / 1000


def embedded():
    """The newest binary that a build of mlpack made."""
    found = ROOT.glob("target/*/build/mlpack-serve-binary-*/out/serve/x86_64-*/*/mlpack-serve")
    found = sorted(found, key=lambda path: path.stat().st_mtime)
    return found[-1] if found else sys.exit("no static binary below target: run `cargo build`, or name one with --binary")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    servers = ("builtin", "behind", "azmlinfsrv", "granian", "coglet")
    parser.add_argument("--binary", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--servers", nargs="+", choices=servers, default=servers)
    parser.add_argument("--scripts", nargs="+", choices=("trivial", "ridge"), default=("trivial", "ridge"))
    parser.add_argument("--dir", type=pathlib.Path)
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is missing: apt-get install wrk")
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.dir or pathlib.Path(temporary)).resolve()
        folder.mkdir(exist_ok=True)
        bench = Bench(folder, str((options.binary or embedded()).resolve()))
        print("load at the start: %.2f" % os.getloadavg()[0])
        print("| script | server | connections | requests/s | p50 ms | p99 ms |\n|---|---|---|---|---|---|")
        for script in options.scripts:
            for server in options.servers:
                bench.measure(server, script, options.connections, options.seconds)


if __name__ == "__main__":
    main()
