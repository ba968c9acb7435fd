#!/usr/bin/env python3
"""Images of two projects with either server: size, packages, seconds to the first answer.

    python3 benches/images.py [--mlpack PATH] [--repeat 3]

The projects are that of `mlpack quickstart` (an ONNX model) and a ridge regression of scikit-learn; the base is made of
this machine's Python. "Before" is `--server azmlinfsrv`, "after" the builtin server. Seconds are from `docker run` to the
first answer of /score, the median of N. Needs a Docker engine and the package index.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from serving import ROOT, RIDGE, TRAIN, free_port

ROW = {"data": [[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]]}


def call(*argv, **options):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, universal_newlines=True, **options).stdout


def quickstart(mlpack, folder):
    """The folder, the arguments of `package`, and a body."""
    call(mlpack, "--quiet", "quickstart", folder / "quickstart", "--no-run")
    home = folder / "quickstart"
    model = next(home.glob("*.onnx"))
    body = (home / "sample.json").read_text()
    return home, ["--ic", "inferenceconfig.json", "-m", "digits=%s" % model], body


def ridge(_, folder):
    home = folder / "ridge"
    home.mkdir()
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    pins = ["scikit-learn==1.5.2", "joblib==1.4.2"]
    subprocess.run([folder / "venv/bin/pip", "install", "-q", *pins], check=True)
    subprocess.run([folder / "venv/bin/python", "-c", TRAIN], cwd=home, check=True)
    (home / "score.py").write_text(RIDGE)
    lines = "".join("    - %s\n" % pin for pin in pins)
    (home / "environment.yml").write_text("dependencies:\n- pip:\n%s" % lines)
    return home, ["--es", "score.py", "--cf", "environment.yml", "-m", "ridge=ridge.pkl"], json.dumps(ROW)


def first_answer(image, body):
    """Seconds from `docker run` to an answer."""
    port = free_port()
    begun = time.monotonic()
    container = call("docker", "run", "--detach", "--publish", "127.0.0.1:%d:5001" % port, image).strip()
    try:
        while time.monotonic() < begun + 60:
            request = urllib.request.Request("http://127.0.0.1:%d/score" % port, body.encode(), {"Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    answer.read()
                return time.monotonic() - begun
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.01)
        sys.exit("no answer: %s" % call("docker", "logs", container))
    finally:
        call("docker", "rm", "--force", container)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mlpack", type=pathlib.Path, default=ROOT / "target/debug/mlpack")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    mlpack = options.mlpack.resolve()
    print("| project | server | packages | MB on the base | MB of the base | first answer, s |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for project in (quickstart, ridge):
            home, arguments, body = project(mlpack, folder)
            for server in ("azmlinfsrv", "builtin"):
                image = "mlpack-bench-%s-%s" % (project.__name__, server)
                base = "oci:%s" % next((pathlib.Path.home() / ".cache/mlpack/host-base").iterdir())
                call(mlpack, "--quiet", "package", *arguments, "--base-image", base, "--policy", "current", "--no-lock",
                     "--server", server, "--output", "docker:%s" % image, cwd=home)
                shown = json.loads(call(mlpack, "inspect", "docker:%s" % image, "--format", "json"))
                sizes = {True: 0, False: 0}
                for layer in shown["layers"]:
                    sizes[layer["role"] == "base"] += layer["size"]
                seconds = statistics.median(first_answer(image, body) for _ in range(options.repeat))
                print("| %s | %s | %d | %.1f | %.1f | %.2f |" % (project.__name__, server, len(shown["packages"]),
                      sizes[False] / 1e6, sizes[True] / 1e6, seconds), flush=True)
                call("docker", "image", "rm", "--force", image)


if __name__ == "__main__":
    main()
