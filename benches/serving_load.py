#!/usr/bin/env python3
"""What the front door promises under load, each promise with its count; the exit code is 1 if one is broken.

    python3 benches/serving_load.py [--binary PATH] [--python PATH] [--seconds 60] [--requests 1000000] [--slow 10000]
                                    [--cases kill ...]

    kill         64 connections, two workers, one killed with -9 ten times: only 502 and 503, each with an identifier
    slow         connections that send a header byte now and then, while others score
    body         a body of 1 GB: refused before it is read
    keys         the file of keys is rotated under 64 connections: no valid key is refused
    certificate  the certificate is replaced under 64 TLS connections, kept and new ones: none breaks
    memory       many requests: the front door's resident memory stays flat
    stop         SIGTERM under 64 connections: every request that the log says was answered was received

Needs wrk for memory and openssl for certificate. The binary is the static one that a build of mlpack embeds.
"""
import argparse
import collections
import contextlib
import json
import os
import pathlib
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from serving import WORKER, embedded, free_port

SCRIPT = """
import os


def init():
    pass


def run(data):
    return os.getpid()
"""


class Service:
    """A front door with the builtin worker, stopped at the end of a `with`."""

    def __init__(self, options, folder, **settings):
        (folder / "score.py").write_text(SCRIPT)
        self.port, self.operations, self.log = free_port(), free_port(), folder / "log"
        environment = {"MLPACK_LISTEN": "127.0.0.1:%d" % self.port, "MLPACK_OPERATIONS_LISTEN": "127.0.0.1:%d" % self.operations,
                       "AML_APP_ROOT": str(folder), "AZUREML_ENTRY_SCRIPT": "score.py", "PATH": os.environ["PATH"]}
        environment.update(settings)
        argv = [str(options.binary), "serve", "--", options.python, "-B", str(WORKER)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(argv, env=environment, stdout=log, stderr=log)
        while not self.is_ready():
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def is_ready(self):
        with contextlib.suppress(OSError):
            return urllib.request.urlopen("http://127.0.0.1:%d/readyz" % self.operations).status == 200
        return False

    def workers(self):
        """How many are ready."""
        text = urllib.request.urlopen("http://127.0.0.1:%d/metrics" % self.operations).read().decode()
        return int(float(re.search(r"^mlpack_workers_ready (\S+)", text, re.M).group(1)))

    def resident(self):
        """Resident memory of the front door in MB."""
        text = pathlib.Path("/proc/%d/status" % self.process.pid).read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) / 1000


class Client:
    """One connection at a time, kept where the server keeps it."""

    def __init__(self, port, context=None):
        self.port, self.context, self.socket, self.file = port, context, None, None

    def close(self):
        if self.socket:
            self.file.close()
            self.socket.close()
            self.socket = None

    def ask(self, headers=""):
        """Status, headers and body. Raises OSError where there is no whole answer."""
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=60)
            if self.context:
                self.socket = self.context.wrap_socket(self.socket, server_hostname="localhost")
            self.file = self.socket.makefile("rb")
        request = "POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n%s\r\n1" % headers
        self.socket.sendall(request.encode())
        status = int((self.file.readline() or self.lost()).split()[1])
        found = {}
        for line in iter(self.file.readline, b"\r\n"):
            name, _, value = (line or self.lost()).decode().partition(":")
            found[name.lower()] = value.strip()
        length = int(found["content-length"])
        body = self.file.read(length)
        if len(body) < length:
            self.lost()
        return status, found, body

    def lost(self):
        self.close()
        raise ConnectionResetError("no whole answer")


class Load:
    """Many clients that ask until the end of a `with`; their answers are counted."""

    def __init__(self, port, count=64, headers=lambda: "", context=None, kept=lambda number: True):
        self.done, self.lock = threading.Event(), threading.Lock()
        self.statuses, self.unidentified, self.lost, self.received = collections.Counter(), 0, [], set()
        arguments = (port, headers, context, kept)
        self.threads = [threading.Thread(target=self.run, args=(number, *arguments)) for number in range(count)]

    def run(self, number, port, headers, context, kept):
        client = Client(port, context)
        while not self.done.is_set():
            try:
                status, found, _ = client.ask(headers())
            except OSError as error:
                client.close()
                with self.lock:
                    self.lost.append(error)
                if isinstance(error, ConnectionRefusedError):
                    return
                continue
            with self.lock:
                self.statuses[status] += 1
                self.unidentified += not found.get("x-ms-request-id")
                self.received.add(found.get("x-ms-request-id"))
            if not kept(number):
                client.close()
        client.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        for thread in self.threads:
            thread.join()

    def text(self):
        return ", ".join("%d x %d" % (count, status) for status, count in sorted(self.statuses.items()))


def kill(options, folder):
    with Service(options, folder, WORKER_COUNT="2") as service:
        longest = 0
        with Load(service.port) as load:
            for _ in range(10):
                time.sleep(options.seconds / 12)
                victim = int(subprocess.run(["pgrep", "-P", str(service.process.pid)], stdout=subprocess.PIPE).stdout.split()[0])
                os.kill(victim, signal.SIGKILL)
                begun = time.monotonic()
                while service.workers() == 2:
                    time.sleep(0.001)
                while service.workers() < 2:
                    time.sleep(0.001)
                longest = max(longest, time.monotonic() - begun)
            time.sleep(options.seconds / 12)
    failed = sum(count for status, count in load.statuses.items() if status != 200)
    good = set(load.statuses) <= {200, 502, 503} and not load.lost and not load.unidentified and failed <= 10
    return good and longest < 1, "%s; whole again after %.2f s at most" % (load.text(), longest)


def slow(options, folder):
    with Service(options, folder, MLPACK_HEADER_TIMEOUT_MS="600000") as service:
        sockets = []
        for _ in range(options.slow):
            client = socket.create_connection(("127.0.0.1", service.port))
            client.sendall(b"POST /score HTTP/1.1\r\nX-Slow: ")
            sockets.append(client)
        begun = time.monotonic()
        with Load(service.port, 8) as load:
            while time.monotonic() < begun + options.seconds / 4:
                for client in sockets:
                    client.sendall(b"a")
        memory = service.resident()
        for client in sockets:
            client.close()
    return set(load.statuses) == {200} and not load.lost, "%d slow connections; %s; %.0f MB" % (options.slow, load.text(), memory)


def body(options, folder):
    with Service(options, folder) as service:
        begun, before = time.monotonic(), service.resident()
        with socket.create_connection(("127.0.0.1", service.port)) as client:
            client.sendall(b"POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n")
            status = client.recv(4096).split()[1]
        seconds, grown = time.monotonic() - begun, service.resident() - before
    return status == b"413" and grown < 2, "status %s after %.0f ms, %.1f MB more" % (status.decode(), seconds * 1000, grown)


def keys(options, folder):
    file = folder / "keys"
    file.write_text("key-0\nkey-1\n")
    with Service(options, folder, MLPACK_KEYS_FILE=str(file)) as service:
        current = [0]
        with Load(service.port, headers=lambda: "Authorization: Bearer key-%d\r\n" % current[0]) as load:
            rotations = 0
            for number in range(1, 6):
                time.sleep(options.seconds / 24)
                # The old key is valid until all callers have the new one, as with two keys in Azure ML.
                current[0] = number
                time.sleep(options.seconds / 24)
                atomically(file, "key-%d\nkey-%d\n" % (number, number + 1))
                rotations += 1
                time.sleep(1)
        with contextlib.closing(Client(service.port)) as client:
            last = client.ask("Authorization: Bearer key-0\r\n")[0]
    good = set(load.statuses) == {200} and not load.lost and last == 403
    return good, "%d rotations; %s; the first key is refused with %d then" % (rotations, load.text(), last)


def certificate(options, folder):
    make_certificate(folder)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    files = {"MLPACK_TLS_CERTIFICATE": str(folder / "cert.pem"), "MLPACK_TLS_KEY": str(folder / "key.pem")}
    with Service(options, folder, **files) as service:
        serials = set()
        # One of eight connects again for each request: a handshake costs more than a request.
        with Load(service.port, context=context, kept=lambda number: number % 8) as load:
            for _ in range(5):
                time.sleep(options.seconds / 12)
                make_certificate(folder)
                time.sleep(2)
                with contextlib.closing(Client(service.port, context)) as client:
                    client.ask()
                    serials.add(client.socket.getpeercert(True))
    good = set(load.statuses) == {200} and not load.lost and len(serials) == 5
    return good, "%d certificates; %s" % (len(serials), load.text())


def memory(options, folder):
    script = folder / "score.lua"
    script.write_text('wrk.method = "POST"\nwrk.body = "1"\n')
    figures, total = [], 0
    with Service(options, folder) as service:
        while total < options.requests:
            argv = ["wrk", "-t1", "-c64", "-d10s", "-s", str(script), "http://127.0.0.1:%d/score" % service.port]
            text = subprocess.run(argv, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
            assert "Non-2xx" not in text and "Socket errors" not in text, text
            total += int(re.search(r"(\d+) requests in", text).group(1))
            figures.append(service.resident())
    half = figures[len(figures) // 2]
    return figures[-1] <= half + 1, "%d requests; MB after the first, half and all: %.1f, %.1f, %.1f" % (total, figures[0], half, figures[-1])


def stop(options, folder):
    answered = lost = sent = 0
    for _ in range(5):
        with Service(options, folder, MLPACK_DRAIN_DELAY_MS="500") as service:
            with Load(service.port, kept=lambda number: number % 2) as load:
                time.sleep(options.seconds / 30)
                service.process.send_signal(signal.SIGTERM)
                code = service.process.wait()
            lines = (json.loads(line) for line in service.log.read_text().splitlines() if '"route":"/score"' in line)
            logged = {line["id"] for line in lines if line["status"] == 200}
            answered, lost, sent = answered + len(logged), lost + len(logged - load.received), sent + load.statuses[200]
            if code != 0 or set(load.statuses) != {200}:
                return False, "exit code %d; %s" % (code, load.text())
    return lost == 0, "%d requests answered according to the log, %d received, %d lost; exit code 0" % (answered, sent, lost)


def atomically(file, text):
    file.with_suffix(".new").write_text(text)
    os.replace(file.with_suffix(".new"), file)


def make_certificate(folder):
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-keyout", folder / "new-key.pem", "-out", folder / "new-cert.pem"]
    subprocess.run(argv, check=True, stderr=subprocess.DEVNULL)
    for name in ("key", "cert"):
        os.replace(folder / ("new-%s.pem" % name), folder / ("%s.pem" % name))


CASES = {case.__name__: case for case in (kill, slow, body, keys, certificate, memory, stop)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--requests", type=int, default=1000000)
    parser.add_argument("--slow", type=int, default=10000)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    options = parser.parse_args()
    options.binary = (options.binary or embedded()).resolve()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    broken = 0
    for name in options.cases:
        with tempfile.TemporaryDirectory() as folder:
            good, text = CASES[name](options, pathlib.Path(folder))
        broken += not good
        print("| %s | %s | %s |" % (name, text, "kept" if good else "BROKEN"), flush=True)
    return broken > 0


if __name__ == "__main__":
    sys.exit(main())
