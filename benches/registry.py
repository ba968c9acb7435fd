#!/usr/bin/env python3
"""Push and pull of the same image by mlpack and by skopeo, in one run, against Debian's docker-registry.

    python3 benches/registry.py [--scale 1.0] [--mlpack PATH]

Two images (one layer of 2 GB, 40 layers of 20 MB), each pushed, pushed again without a change, and pulled. Layers are gzip
streams of random bytes, stored rather than deflated, so that neither program compresses. Each program gets a separate, empty
registry. Needs docker-registry and skopeo on PATH. Prints a table; a ratio below 1 means that mlpack is faster.
"""
import argparse
import contextlib
import gzip
import hashlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request

MEBI = 1 << 20


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Layout:
    """An OCI layout with layers of random bytes."""

    def __init__(self, folder, layers, size):
        self.folder = folder
        self.blobs = folder / "blobs" / "sha256"
        self.blobs.mkdir(parents=True)
        descriptors, diff_ids = [], []
        for number in range(layers):
            diff_id, descriptor = self.layer(number, size)
            diff_ids.append("sha256:" + diff_id)
            descriptors.append(descriptor)
        config = self.document(
            "application/vnd.oci.image.config.v1+json",
            {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}},
        )
        kind = "application/vnd.oci.image.manifest.v1+json"
        manifest = self.document(kind, {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": descriptors})
        manifest["annotations"] = {"org.opencontainers.image.ref.name": "v1"}
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))

    def layer(self, number, size):
        plain, stored = self.blobs / "plain", self.blobs / "stored"
        with tarfile.open(plain, "w") as tar:
            info = tarfile.TarInfo("weights/%d" % number)
            info.size = size
            tar.addfile(info, Random(size))
        with open(plain, "rb") as source, gzip.GzipFile("", "wb", 0, open(stored, "wb"), 0) as target:
            shutil.copyfileobj(source, target, MEBI)
        diff_id, digest = digest_of(plain), digest_of(stored)
        plain.unlink()
        stored.rename(self.blobs / digest)
        size = (self.blobs / digest).stat().st_size
        kind = "application/vnd.oci.image.layer.v1.tar+gzip"
        return diff_id, {"mediaType": kind, "digest": "sha256:" + digest, "size": size}

    def document(self, kind, value):
        text = json.dumps(value).encode()
        digest = hashlib.sha256(text).hexdigest()
        (self.blobs / digest).write_bytes(text)
        return {"mediaType": kind, "digest": "sha256:" + digest, "size": len(text)}


class Random:
    def __init__(self, left):
        self.left = left

    def read(self, wanted):
        count = min(wanted, self.left)
        self.left -= count
        return os.urandom(count)


@contextlib.contextmanager
def registry(folder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = "127.0.0.1:%d" % port
    settings = folder / "registry.yml"
    settings.write_text(
        "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
        "storage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: '%s'}\n" % (folder / "data", address)
    )
    server = subprocess.Popen(["docker-registry", "serve", settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                urllib.request.urlopen("http://%s/v2/" % address).close()
                break
            time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait()


def timed(command, environment):
    started = time.monotonic()
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def measure(name, push, pull, work, layout):
    """Returns the seconds of a push, a second push and a pull."""
    folder = work / name
    folder.mkdir()
    environment = dict(os.environ, HOME=str(folder), MLPACK_CACHE_DIR=str(folder / "cache"))
    with registry(folder) as address:
        image = address + "/bench/image:v1"
        os.sync()
        first = timed(push(layout.folder, image), environment)
        again = timed(push(layout.folder, image), environment)
        os.sync()
        pulled = timed(pull(image, folder / "pulled"), environment)
    shutil.rmtree(folder)
    return first, again, pulled


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--scale", type=float, default=1.0, help="factor for all sizes")
    arguments.add_argument("--mlpack", default="target/debug/mlpack", help="path of mlpack")
    arguments = arguments.parse_args()
    mlpack = shutil.which(arguments.mlpack) or sys.exit("cannot find mlpack at %s: run `cargo build`" % arguments.mlpack)
    for program in ("docker-registry", "skopeo"):
        shutil.which(program) or sys.exit("%s is not on PATH" % program)
    programs = {
        "mlpack": (
            lambda layout, image: [mlpack, "--quiet", "push", "oci:%s:v1" % layout, image],
            lambda image, folder: [mlpack, "--quiet", "pull", image, "-o", "oci:%s:v1" % folder],
        ),
        "skopeo": (
            lambda layout, image: ["skopeo", "copy", "-q", "--dest-tls-verify=false", "oci:%s:v1" % layout, "docker://" + image],
            lambda image, folder: ["skopeo", "copy", "-q", "--src-tls-verify=false", "docker://" + image, "oci:%s:v1" % folder],
        ),
    }
    shapes = {"one layer of 2 GB": (1, 2000), "40 layers of 20 MB": (40, 20)}
    row = "%-20s %-16s %9s %9s %7s"
    print(row % ("shape", "step", "mlpack s", "skopeo s", "ratio"))
    for shape, (layers, megabytes) in shapes.items():
        with tempfile.TemporaryDirectory() as work:
            work = pathlib.Path(work)
            layout = Layout(work / "layout", layers, int(megabytes * 1e6 * arguments.scale))
            seconds = {name: measure(name, *commands, work, layout) for name, commands in programs.items()}
            for step, ours, theirs in zip(("push", "push, no change", "pull"), seconds["mlpack"], seconds["skopeo"]):
                print(row % (shape, step, "%.2f" % ours, "%.2f" % theirs, "%.2f" % (ours / theirs)), flush=True)


if __name__ == "__main__":
    main()
