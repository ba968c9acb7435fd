#!/usr/bin/env python3
"""From inputs to a pushed image: mlpack beside `docker build` and `docker push` with pip and with uv, in one run.

    python3 benches/environment.py [--mlpack PATH] [--sets py36 py311] [--cases cold ...] [--contenders mlpack ...]
                                   [--repeat N] [--bump pandas] [--model-size MB] [--builder auto] [--lines] [--dir DIR]

Two sets of packages, each on its test base (made by fixtures/bases.py if it is not there), with a model of 200 MB of random
bytes, pushed to Debian's docker-registry on the loopback, which has the base already. Each contender goes through the
cases in their order, every case on what the one before it left:

    cold      no cache but the base in the engine; mlpack also fetches its uv then, docker has uv at hand
    warm      all caches there, the registry without the image
    nothing   nothing changed, image in the registry
    package   the pin of one package changed (--bump)
    model     a new model of the same size
    script    the entry script changed

The Dockerfiles copy the list of packages, install, copy the model, then the script, with cache mounts where a docker on
PATH has BuildKit. If mlpack has the verb `lock`, all but cold and package have a lock of what is packaged; a changed
package has the lock of before. Index, proxies and certificates are taken from the environment (PIP_*, UV_*, *_PROXY,
SSL_CERT_FILE), pip's configuration files are not; PIP_FIND_LINKS is left out, for mlpack too. Bytes sent are by how the
registry grows. Seconds are medians. Needs docker, docker-registry, skopeo, pip, the package index and about 5 GB on
the disk of DIR and of the engine; takes about ten minutes. Takes its images, build cache and folders away, after Ctrl-C
too; BuildKit's cache of others who build at the same time goes with it. What `kill -9` leaves goes with `docker image prune
--filter label=org.mlpack.bench` and `docker builder prune`.
"""
import argparse
import contextlib
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import typing

from contest.docker import Docker, Engine, fetch_uv
from contest.mlpack import Mlpack, can_lock
from contest.project import SETS, Project
from contest.registry import Failed, Registry, call

ROOT = pathlib.Path(__file__).resolve().parent.parent
BASES = ROOT / "fixtures/built/bases"
CONTENDERS = ("mlpack", "docker+pip", "docker+uv")


class Case(typing.NamedTuple):
    """A case and what mlpack aims at: a ratio to docker with uv, or seconds."""

    title: str
    ratio: typing.Optional[float] = None
    seconds: typing.Optional[float] = None

    def aim(self, ours, theirs):
        if self.seconds is not None:
            return "under %g s, %s" % (self.seconds, "met" if ours < self.seconds else "missed")
        if theirs is None:
            return "%g" % self.ratio
        return "%g, %s" % (self.ratio, "met" if ours / theirs <= self.ratio else "missed")


CASES = {
    "cold": Case("cold caches", ratio=0.5),
    "warm": Case("warm caches", ratio=0.1),
    "nothing": Case("nothing changed", seconds=0.3),
    "package": Case("one package changed", seconds=2),
    "model": Case("model changed", ratio=0.1),
    "script": Case("script changed", ratio=0.15),
}


class Run(typing.NamedTuple):
    seconds: float
    parts: list
    lines: list
    sent: int


def go_through(contender, project, registry, cases):
    """Runs one contender through the cases; those not asked for are not measured, and only made where others need them."""
    runs = {}
    project.begin()
    registry.empty()
    contender.cold()
    for case in CASES:
        if case not in cases and case != "cold":
            continue
        if case == "warm":
            registry.empty()
        elif case in ("package", "model", "script"):
            project.change(case)
        contender.ready(case)
        # What others wrote before shall not be written now.
        os.sync()
        before = registry.size()
        seconds, parts, lines = contender.run()
        run = Run(seconds, parts, lines, registry.size() - before)
        if case in cases:
            runs[case] = run
        print("  %s, %s: %.2f s" % (contender.name, CASES[case].title, seconds), file=sys.stderr, flush=True)
    return runs


def contend(name, options, engine, work, registry, base, chosen):
    """All runs of one contender on one set: {case: [Run]}; what it had when it failed, if it did."""
    runs = {case: [] for case in options.cases}
    failed = False
    with tempfile.TemporaryDirectory(prefix=name, dir=work) as folder:
        folder = pathlib.Path(folder)
        bump = options.bump if any(pin[0] == options.bump and pin[2] for pin in chosen.pins) else "pandas"
        project = Project(folder / "project", chosen, bump, int(options.model_size * 1e6))
        with contextlib.ExitStack() as stack:
            try:
                if name == "mlpack":
                    contender = Mlpack(options.mlpack, folder, registry, base, project)
                else:
                    contender = Docker(name.split("+")[1], engine, work, registry, base, project)
                stack.callback(contender.close)
                for _ in range(options.repeat):
                    for case, run in go_through(contender, project, registry, options.cases).items():
                        runs[case].append(run)
            except Failed as failure:
                failed = True
                print("%s: %s" % (name, failure), file=sys.stderr, flush=True)
    return runs, failed


def typical(runs):
    """The run with the median time, the lower one of two."""
    middle = statistics.median_low([run.seconds for run in runs])
    return next(run for run in runs if run.seconds == middle)


def table(results, cases):
    """`results` is {contender: {case: [Run]}}."""
    rows = [("case", "mlpack s", "docker+pip s (build + push)", "docker+uv s (build + push)", "mlpack / docker+uv", "aim",
             "MB sent: mlpack / pip / uv")]
    for case in cases:
        best = {name: typical(runs[case]) for name, runs in results.items() if runs[case]}
        cells, sent = [], []
        for name in CONTENDERS:
            run = best.get(name)
            cells.append("-" if not run else "%.2f" % run.seconds if name == "mlpack"
                         else "%.2f (%s)" % (run.seconds, " + ".join("%.2f" % seconds for _, seconds in run.parts)))
            sent.append("%.2f" % (run.sent / 1e6) if run else "-")
        ours, theirs = best.get("mlpack"), best.get("docker+uv")
        ratio = "%.3f" % (ours.seconds / theirs.seconds) if ours and theirs else "-"
        aim = CASES[case].aim(ours.seconds, theirs and theirs.seconds) if ours else "-"
        rows.append((CASES[case].title, *cells, ratio, aim, " / ".join(sent)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def where(runs, cases, lines):
    """Where mlpack's time went, a line per case."""
    print("\nmlpack's steps; those that run at the same time each count in full:")
    for case in cases:
        if runs[case]:
            run = typical(runs[case])
            parts = ", ".join("%s %.2f" % part for part in run.parts if part[1] >= 0.005)
            print("  %s, %.2f s: %s" % (CASES[case].title, run.seconds, parts))
            for at, line in run.lines if lines else ():
                print("    %7.3f  %s" % (at, line))


def base_of(chosen, registry):
    call([sys.executable, ROOT / "fixtures/bases.py", BASES, "--only", chosen.base], "fixtures/bases.py")
    if not (BASES / chosen.base / "index.json").exists():
        raise Failed("no base %s: there is no Python %s here" % (chosen.base, chosen.python))
    return registry.put(BASES / chosen.base, "bases/" + chosen.base)


def measure(options, stack):
    work = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mlpack-bench-", dir=options.dir)))
    registry = Registry(work / "registry")
    stack.callback(registry.stop)
    engine, about = None, []
    if "mlpack" in options.contenders:
        about += [call([options.mlpack, "--version"]).strip(), "with lock" if can_lock(options.mlpack) else "without lock"]
    if set(options.contenders) - {"mlpack"}:
        engine = Engine(options.builder)
        stack.callback(engine.close)
        about.append(engine.describe())
    if "docker+uv" in options.contenders:
        fetch_uv(work)
    bases = {name: base_of(SETS[name], registry) for name in options.sets}
    registry.keep()
    about.append("%d cores, load %.1f at the start" % (os.cpu_count(), os.getloadavg()[0]))
    print(", ".join(about), flush=True)
    failed = False
    for name in options.sets:
        chosen = SETS[name]
        print("\n%s: %s on %s, model of %g MB, %s" % (
            name, ", ".join("==".join(pin[:2]) for pin in chosen.pins), chosen.base, options.model_size,
            "median of %d" % options.repeat if options.repeat > 1 else "one run"), flush=True)
        if engine:
            engine.pull(bases[name])
        results = {}
        for contender in options.contenders:
            results[contender], broken = contend(contender, options, engine, work, registry, bases[name], chosen)
            failed = failed or broken
        table(results, options.cases)
        if "mlpack" in results:
            where(results["mlpack"], options.cases, options.lines)
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mlpack", default=str(ROOT / "target/debug/mlpack"), help="the executable")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--contenders", nargs="+", default=list(CONTENDERS), choices=CONTENDERS)
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="how often all is gone through")
    parser.add_argument("--bump", default="pandas", choices=sorted({p[0] for s in SETS.values() for p in s.pins if p[2]}),
                        help="the package that changes; pandas where a set has no other version of it")
    parser.add_argument("--model-size", type=float, default=200, metavar="MB")
    parser.add_argument("--builder", default="auto", choices=("auto", "buildkit", "classic"), help="of docker build")
    parser.add_argument("--lines", action="store_true", help="every line mlpack said, with when it said it")
    parser.add_argument("--dir", help="where to work; the system's folder for temporary files if not given")
    options = parser.parse_args()
    options.cases = [case for case in CASES if case in options.cases]
    needed = {"docker-registry", "skopeo"} | ({"docker"} if set(options.contenders) - {"mlpack"} else set())
    missing = sorted(program for program in needed if not shutil.which(program))
    if missing:
        sys.exit("not on PATH: " + ", ".join(missing))
    if "mlpack" in options.contenders:
        found = shutil.which(options.mlpack) or sys.exit("no mlpack at %s: cargo build first" % options.mlpack)
        options.mlpack = os.path.abspath(found)
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        # Docker's build cannot see a folder of this machine, so nobody shall.
        os.environ.pop(name, None)
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Under nohup it stays as it is.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: sys.exit(130))
    try:
        with contextlib.ExitStack() as stack:
            try:
                code = measure(options, stack)
            finally:
                # The clearing up comes now, and a second Ctrl-C does not stop it.
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)
    except Failed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit("stopped; images, build cache and folders are taken away")
    sys.exit(code)


if __name__ == "__main__":
    main()
