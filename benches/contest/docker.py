"""`docker build` and `docker push` as a contender, with pip or with uv in the Dockerfile.

The packages come from where this machine takes them: index, proxies and certificates of the environment are handed to the
build as arguments, the certificates as a file of the context.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
import zipfile

from contest.registry import Failed, call

LABEL = "org.mlpack.bench"
# The one mlpack fetches, see packager/environment/src/uv.rs.
UV = "0.13.9"
CERTIFICATES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
INDEX = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES",
         "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INDEX", "UV_INSECURE_HOST", "UV_HTTP_TIMEOUT")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy")


class Engine:
    """The Docker engine, the client that can use BuildKit if there is one, and what this run leaves in it."""

    def __init__(self, builder):
        self.run = "%s=%s" % (LABEL, uuid.uuid4().hex[:12])
        self.bases = []
        clients = [os.path.join(folder, "docker") for folder in os.get_exec_path()
                   if os.access(os.path.join(folder, "docker"), os.X_OK)]
        if not clients:
            raise Failed("docker is not on PATH")
        self.client, self.buildkit = clients[0], False
        self.version = self.call("version", "--format", "{{.Server.Version}}").strip()
        self.cached_before = self.build_cache()
        if builder != "classic":
            # A newer client without the buildx plugin has none, while an older one beside it may.
            able = [client for client in dict.fromkeys(clients) if self.can_buildkit(client)]
            if able:
                self.client, self.buildkit = able[0], True
            elif builder == "buildkit":
                raise Failed("no docker on PATH builds with BuildKit")

    def can_buildkit(self, client):
        done = subprocess.run([client, "build", "--quiet", "-"], input=b"FROM scratch\nLABEL %s\n" % self.run.encode(),
                              env=dict(os.environ, DOCKER_BUILDKIT="1"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if done.returncode == 0:
            self.call("rmi", done.stdout.decode().strip())
        return done.returncode == 0

    def describe(self):
        return "Docker %s with %s" % (self.version, "BuildKit" if self.buildkit else "the classic builder")

    def call(self, *arguments, **options):
        return call([self.client, *arguments], "docker %s" % arguments[0], **options)

    def build_cache(self):
        try:
            said = self.call("system", "df", "-v", "--format", "{{json .BuildCache}}")
            return {record["ID"] for record in json.loads(said) or []}
        except (Failed, ValueError, TypeError, KeyError):
            return None

    def pull(self, base):
        """The base as a machine has it that pulled it: the engine knows in which repository its layers are."""
        self.bases.append(base)
        self.call("pull", "--quiet", base)

    def forget(self, *images):
        """Takes away images, what led to them, and BuildKit's cache since the start of this run."""
        for image in images:
            self.attempt("rmi", "--force", image)
        for _ in range(100):
            # A build that was stopped goes on taking its container away for a while.
            containers = self.call("ps", "--all", "--quiet", "--filter", "label=" + self.run).split()
            if not containers:
                break
            self.attempt("rm", "--force", *containers)
            time.sleep(0.1)
        self.attempt("image", "prune", "--force", "--filter", "label=" + self.run)
        if not self.buildkit or self.cached_before is None:
            return
        left = (self.build_cache() or set()) - self.cached_before
        while left:
            # A record that others stand on, or that is in use, stays until they are gone.
            for record in left:
                self.attempt("builder", "prune", "--all", "--force", "--filter", "id=" + record)
            before, left = left, (self.build_cache() or set()) - self.cached_before
            if left == before:
                break

    def attempt(self, *arguments):
        subprocess.run([self.client, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        self.forget(*self.bases)


class Docker:
    parts = ("build", "push")

    def __init__(self, installer, engine, work, registry, base, project):
        self.name = "docker+" + installer
        self.installer, self.engine, self.base, self.project = installer, engine, base, project
        self.image = "%s/bench/%s:v1" % (registry.address, installer)
        self.environment, self.files = dict(os.environ), []
        self.environment["DOCKER_BUILDKIT"] = "1" if engine.buildkit else "0"
        if installer == "uv":
            shutil.copy(work / "uv", project.folder / "uv")
            if not any(os.environ.get(name) for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX")):
                self.environment["UV_DEFAULT_INDEX"] = os.environ.get("PIP_INDEX_URL", "")
            extra = os.environ.get("UV_EXTRA_INDEX_URL") or os.environ.get("PIP_EXTRA_INDEX_URL", "")
            self.environment["UV_EXTRA_INDEX_URL"] = extra
        for source in (os.environ.get(name) for name in CERTIFICATES):
            if source and os.path.isfile(source):
                shutil.copy(source, project.folder / "certificates.pem")
                self.files.append("certificates.pem")
                self.environment.update(dict.fromkeys(CERTIFICATES[:3], "/tmp/certificates.pem"))
                break
        self.arguments = [name for name in INDEX + PROXIES if self.environment.get(name)]
        self.arguments += CERTIFICATES[:3] if self.files else ()

    def cold(self):
        self.engine.forget(self.image)
        (self.project.folder / "Dockerfile").write_text(self.dockerfile(uuid.uuid4().hex[:12]))

    def ready(self, case):
        pass

    def dockerfile(self, cache):
        """As who knows Docker writes it: what changes least comes first."""
        buildkit, chosen = self.engine.buildkit, self.project.chosen
        lines = ["FROM " + self.base, "LABEL " + self.engine.run]
        lines += ["ARG " + name for name in self.arguments if name not in PROXIES]
        mounts = ""
        if buildkit:
            mounts = "--mount=type=cache,id=%s,target=/root/.cache " % cache
            mounts += "".join("--mount=type=bind,source=%s,target=/tmp/%s " % (name, name) for name in self.files)
        else:
            lines += ["COPY %s /tmp/%s" % (name, name) for name in self.files]
        only = " --only-binary :all:" if chosen.wheels_only else ""
        if self.installer == "pip":
            install = "python -m pip install%s" % ("" if buildkit else " --no-cache-dir")
            if chosen.old_pip:
                lines.append("RUN %s%s --upgrade pip" % (mounts, install))
        else:
            install = "uv pip install --system%s" % ("" if buildkit else " --no-cache")
            if buildkit:
                install = "UV_LINK_MODE=copy " + install
                mounts += "--mount=type=bind,source=uv,target=/usr/local/bin/uv "
            else:
                lines.append("COPY uv /usr/local/bin/uv")
        lines += [
            "COPY requirements.txt /tmp/requirements.txt",
            "RUN %s%s%s -r /tmp/requirements.txt" % (mounts, install, only),
            "ENV AZUREML_MODEL_DIR=/srv/weights",
            "COPY model.bin /srv/weights/model.bin",
            "COPY score.py /srv/score.py",
            'CMD ["azmlinfsrv", "--entry_script", "/srv/score.py"]',
        ]
        return "\n".join(lines) + "\n"

    def run(self):
        """Seconds in all, and of build and push."""
        # Names only: the client takes the values from its environment.
        arguments = [word for name in self.arguments for word in ("--build-arg", name)]
        (self.project.folder / ".dockerignore").write_text("*\n" + "".join(
            "!%s\n" % name for name in ["requirements.txt", "model.bin", "score.py", "uv", *self.files]))
        started = time.monotonic()
        self.engine.call("build", "--network", "host", "--force-rm", *arguments, "--tag", self.image, ".",
                         cwd=self.project.folder, env=self.environment)
        built = time.monotonic()
        self.engine.call("push", "--quiet", self.image)
        pushed = time.monotonic()
        return pushed - started, [("build", built - started), ("push", pushed - built)], []

    def close(self):
        self.engine.forget(self.image)


def fetch_uv(folder):
    """The uv executable out of its wheel, as others take it out of its image."""
    with tempfile.TemporaryDirectory(dir=folder) as download:
        call([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", download,
              "uv==" + UV], "pip download of uv")
        wheel = next(pathlib.Path(download).glob("uv-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            member = next(name for name in archive.namelist() if name.endswith("/scripts/uv"))
            (folder / "uv").write_bytes(archive.read(member))
    (folder / "uv").chmod(0o755)
