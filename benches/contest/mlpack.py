"""mlpack as a contender, and where its time goes by what it says while it works."""

import collections
import os
import re
import shutil
import subprocess
import time

from contest.registry import Failed, call

# A line about a step that is over: `what: outcome (12.3 MB, 4.5 s, 2.7 MB/s)`.
STEP = re.compile(r"(?P<what>.+): (?P<outcome>.+?) \((?:[^()]*, )?(?P<seconds>[0-9.]+) s(?:, [^()]*)?\)$")
PACKAGE = re.compile(r"\.(whl|tar\.gz|zip|conda|tar\.bz2)$")


class Mlpack:
    name, parts = "mlpack", ()

    def __init__(self, executable, work, registry, base, project):
        self.executable, self.project = executable, project
        self.cache = work / "cache"
        self.image = registry.address + "/bench/mlpack:v1"
        self.arguments = ["--ic", "inferenceconfig.json", "-m", "weights=model.bin", "--base-image", base,
                          "--policy", project.chosen.policy]
        self.environment = dict(os.environ, MLPACK_CACHE_DIR=str(self.cache), XDG_CACHE_HOME=str(work / "xdg"),
                                UV_CACHE_DIR=str(work / "xdg/uv"))
        self.lock = project.folder / "mlpack.lock"
        self.locks = can_lock(executable)
        self.locked = None

    def cold(self):
        for folder in (self.cache, self.cache.parent / "xdg"):
            shutil.rmtree(folder, ignore_errors=True)
        if self.lock.exists():
            self.lock.unlink()
        self.locked = None

    def ready(self, case):
        """Who has packaged before has a lock, of the packages as they were before a change of them."""
        packages = (self.project.folder / "environment.yml").read_text()
        if self.locks and case not in ("cold", "package") and packages != self.locked:
            call([self.executable, "lock", *self.arguments], cwd=self.project.folder, env=self.environment)
            self.locked = packages

    def run(self):
        """Seconds in all, the steps [(what, seconds)], and the lines [(seconds since the start, line)]."""
        lines = []
        started = time.monotonic()
        command = [self.executable, "package", *self.arguments, "--output", self.image]
        with subprocess.Popen(command, cwd=self.project.folder, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
            try:
                for line in child.stderr:
                    lines.append((time.monotonic() - started, line.decode(errors="replace").rstrip()))
            except BaseException:
                child.terminate()
                raise
        seconds = time.monotonic() - started
        if child.returncode != 0:
            raise Failed("mlpack package failed with %d:\n    %s" % (
                child.returncode, "\n    ".join(line for _, line in lines[-15:])))
        return seconds, steps(seconds, lines), lines

    def close(self):
        pass


def can_lock(executable):
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.run([executable, "lock", "--help"], **silent).returncode == 0


def steps(total, lines):
    """How long each kind of step took. Steps at the same time count once within a kind, but each in its own kind."""
    kinds = collections.OrderedDict()
    for at, line in lines:
        found = STEP.match(line)
        if found:
            kinds.setdefault(kind(found["what"], found["outcome"]), []).append((max(0, at - float(found["seconds"])), at))
    result = [(name, union(spans)) for name, spans in kinds.items()]
    silent = total - union([span for spans in kinds.values() for span in spans])
    return result + [("no line about it", max(0, silent))]


def kind(what, outcome):
    if PACKAGE.search(what):
        return "packages " + outcome
    for verb in ("resolving", "building"):
        if what.startswith(verb + " "):
            return verb
    # Neither digests nor numbers, nor an outcome that is a sentence.
    words = [word for word in what.split() if not re.search(r"[0-9/:]", word)]
    return " ".join(words + ([] if len(outcome) > 20 else [outcome]))


def union(spans):
    """The time that is in at least one of the spans."""
    covered, end = 0, 0
    for start, stop in sorted(spans):
        covered += max(0, stop - max(start, end))
        end = max(end, stop)
    return covered
