"""Debian's `docker-registry` on a free port of the loopback, with a folder of its own."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
import urllib.request


class Failed(Exception):
    """A command that did not do what it was asked for."""


def call(command, what=None, **options):
    """Runs a command and returns its standard output; what it said goes into the failure."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace").strip().splitlines()[-15:]
        what = what or " ".join(map(str, command[:3]))
        raise Failed("%s failed with %d:\n    %s" % (what, done.returncode, "\n    ".join(said)))
    return done.stdout.decode(errors="replace")


class Registry:
    """A registry that can be emptied: stopped, set back to what `keep` found, started at the same address."""

    def __init__(self, folder):
        self.folder, self.data, self.kept, self.server = folder, folder / "data", folder / "kept", None
        folder.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % probe.getsockname()[1]
        (folder / "registry.yml").write_text(
            "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
            "storage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: '%s'}\n" % (self.data, self.address)
        )
        self.start()

    def start(self):
        # What is on the loopback is not asked of a proxy.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.data.mkdir(exist_ok=True)
        with open(self.folder / "log", "w") as log:
            # In a session of its own, so that Ctrl-C does not end it before those who still talk to it.
            self.server = subprocess.Popen(["docker-registry", "serve", self.folder / "registry.yml"],
                                           stdout=log, stderr=log, start_new_session=True)
        for _ in range(100):
            if self.server.poll() is None:
                with contextlib.suppress(OSError):
                    direct.open("http://%s/v2/" % self.address).close()
                    return
            time.sleep(0.1)
        raise Failed("docker-registry does not answer: %s" % (self.folder / "log").read_text()[-1000:])

    def stop(self):
        if self.server:
            self.server.terminate()
            self.server.wait()
            self.server = None

    def put(self, layout, name):
        """Copies an OCI layout into it and returns its reference here."""
        reference = "%s/%s:v1" % (self.address, name)
        call(["skopeo", "copy", "-q", "--dest-tls-verify=false", "oci:%s" % layout, "docker://" + reference])
        return reference

    def keep(self):
        shutil.copytree(self.data, self.kept)

    def empty(self):
        self.stop()
        shutil.rmtree(self.data)
        shutil.copytree(self.kept, self.data)
        self.start()

    def size(self):
        """Bytes of all blobs. What grows here was sent, but for a blob that was there already."""
        blobs = self.data / "docker/registry/v2/blobs"
        return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(blobs) for name in names)
