#!/usr/bin/env python3
"""How long packaging takes and how much memory, beside `cp` of the same model on the same disk.

    python3 benches/package.py [--mlpack PATH] [--base IMAGE] [--size GB] [--dir DIR]

Needs the test bases (`python3 fixtures/bases.py fixtures/built/bases`) or a base given, the package index, and three
times the model's size on the disk of DIR. Prints one table in Markdown. Without --mlpack it builds the executable as
`cargo build` does.
"""

import argparse
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = 1 << 20


def built():
    subprocess.run(["cargo", "build", "--quiet", "--bin", "mlpack"], cwd=ROOT, check=True)
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    return pathlib.Path(target) / "debug" / "mlpack"


def measured(command, **options):
    """Seconds and peak resident memory in MB of a command and its children, asked in a process of its own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        started = time.monotonic()
        done = subprocess.run(command, stdout=subprocess.DEVNULL, **options)
        seconds = time.monotonic() - started
        # In KiB on Linux; of the largest child, which with one command is that command or one it started.
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        os.write(writer, ("%f %d %d" % (seconds, peak, done.returncode)).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        seconds, peak, code = answer.read().split()
    os.waitpid(child, 0)
    if code != "0":
        sys.exit("failed with %s: %s" % (code, " ".join(map(str, command))))
    return float(seconds), int(peak) / 1024


def noise(path, size):
    with open("/dev/urandom", "rb") as source, open(path, "wb") as target:
        for _ in range(size // BLOCK):
            target.write(source.read(BLOCK))
        os.fsync(target.fileno())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mlpack", type=pathlib.Path, help="the executable; built if not given")
    parser.add_argument("--base", default="oci:%s" % (ROOT / "fixtures/built/bases/debian12-py311"))
    parser.add_argument("--size", type=float, default=3, help="size of the random model in GB (10^9 bytes)")
    parser.add_argument("--dir", help="where to work; the system's folder for temporary files if not given")
    args = parser.parse_args()
    mlpack = (args.mlpack or built()).resolve()
    rows = []
    with tempfile.TemporaryDirectory(prefix="mlpack-bench-", dir=args.dir) as name:
        work = pathlib.Path(name)
        project = work / "project"
        shutil.copytree(ROOT / "fixtures/two-models", project)
        environment = {**os.environ, "MLPACK_CACHE_DIR": str(work / "cache")}

        def package(output, *models):
            command = [mlpack, "package", "--quiet", "--ic", "inferenceconfig.json", "--bi", args.base, "--policy",
                       "current", "--output", "oci:%s" % output]
            for model in models:
                command += ["-m", model]
            return measured(command, cwd=project, env=environment)

        sample = ["digits:3=digits.onnx", "names=names"]
        rows.append(("sample, nothing cached", *package(work / "first", *sample)))
        rows.append(("sample, all cached, new output", *package(work / "second", *sample)))
        script = project / "score.py"
        script.write_text(script.read_text() + "\n# Changed.\n")
        rows.append(("sample, new entry script, same output", *package(work / "second", *sample)))

        model = work / "model.bin"
        noise(model, int(args.size * 1e9))
        size = "%g GB of random bytes" % args.size
        # Read once, so that neither of the two has the disk against it alone.
        measured(["cat", model])
        rows.append(("cp of %s" % size, *measured(["cp", "--reflink=never", model, work / "copy.bin"])))
        os.remove(work / "copy.bin")
        big = ["big=%s" % model]
        rows.append(("package %s" % size, *package(work / "big", *sample, *big)))
        rows.append(("the same again, same output", *package(work / "big", *sample, *big)))
        shutil.rmtree(work / "big")
        measured(["sync"])
        rows.append(("sha256sum of %s" % size, *measured(["sha256sum", model])))
        rows.append(("cp, then sync", *measured(["sh", "-c", "cp --reflink=never %s %s && sync" % (model, work / "copy.bin")])))

    print("| what | seconds | peak resident memory, MB |")
    print("|---|---|---|")
    for what, seconds, peak in rows:
        print("| %s | %.1f | %.0f |" % (what, seconds, peak))


if __name__ == "__main__":
    main()
