#!/usr/bin/env python3
"""Write the first files of the fuzzers' corpora: small ones that are right, in each form that a reader knows.

    fuzz/seeds.py [FOLDER]

FOLDER is `fuzz/corpus` if it is not named. Files that are there stay.
"""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import pickle
import pathlib
import struct
import sys
import tarfile
import zipfile
import zlib


def tar(files, format=tarfile.PAX_FORMAT):
    """A tar of (name, content) pairs: None is a folder, a text a symbolic link, a tuple a hard link."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=format) as archive:
        for name, content in files:
            member = tarfile.TarInfo(name)
            if content is None:
                member.type, member.mode = tarfile.DIRTYPE, 0o755
            elif isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
            elif isinstance(content, tuple):
                member.type, member.linkname = tarfile.LNKTYPE, content[0]
            else:
                member.size = len(content)
            archive.addfile(member, io.BytesIO(content) if isinstance(content, bytes) else None)
    # Without the zeros that fill the last record.
    return raw.getvalue().rstrip(b"\0") + bytes(1024)


def zstd(content):
    """A Zstandard frame of one raw block (RFC 8878, 3.1.1)."""
    header = b"\x28\xb5\x2f\xfd" + bytes([0xA0]) + struct.pack("<I", len(content))
    return header + struct.pack("<I", len(content) << 3 | 1)[:3] + content


def zipped(files, method=zipfile.ZIP_DEFLATED):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", method) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return raw.getvalue()


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


LAYER = tar([
    ("etc", None),
    ("etc/os-release", b'ID=debian\nVERSION_ID="12"\n'),
    ("usr/lib/a-1.0.dist-info/METADATA", b"Name: a\nVersion: 1.0\n"),
    ("bin", "usr/bin"),
    ("etc/other", ("etc/os-release",)),
    ("opt/.wh.gone", b""),
    ("var/.wh..wh..opq", b""),
    ("x" * 120 + "/y", b"long"),
])

CONFIG = json.dumps({
    "architecture": "amd64",
    "os": "linux",
    "config": {"Env": ["PATH=/bin"], "Labels": {"a": "b"}, "Cmd": ["sh"]},
    "rootfs": {"type": "layers", "diff_ids": [digest(LAYER)]},
    "history": [{"created_by": "x"}],
}).encode()


def described(kind, content, **more):
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": digest(content), "size": len(content), **more}


MANIFEST = json.dumps({
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "config": described("config.v1+json", CONFIG),
    "layers": [described("layer.v1.tar", LAYER)],
}).encode()

INDEX = json.dumps({
    "schemaVersion": 2,
    "manifests": [
        described("manifest.v1+json", MANIFEST, platform={"os": "linux", "architecture": "amd64"}),
        described("manifest.v1+json", MANIFEST, platform={"os": "linux", "architecture": "arm64", "variant": "v8"}),
    ],
}).encode()


def archives():
    blobs = [(f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}", blob) for blob in (CONFIG, LAYER, MANIFEST)]
    oci = tar([("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", INDEX), *blobs])
    saved = json.dumps([{"Config": "c.json", "RepoTags": ["a:latest"], "Layers": ["l/layer.tar"]}]).encode()
    docker = tar([("manifest.json", saved), ("c.json", CONFIG), ("l/layer.tar", LAYER)])
    return {
        "oci": oci,
        "docker": docker,
        "docker.gz": gzip.compress(docker, mtime=0),
        "docker.bz2": bz2.compress(docker),
        "oci.xz": lzma.compress(oci),
        "oci.zst": zstd(oci),
    }


def wheels():
    record = "a.py,sha256=ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0,3\na-1.0.dist-info/RECORD,,\n"
    files = [
        ("a.py", "abc"),
        ("a-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: a\nVersion: 1.0\nRequires-Dist: b (>=1)\n\ntext\n"),
        ("a-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n"),
        ("a-1.0.dist-info/entry_points.txt", "[console_scripts]\na = a:main\n"),
        ("a-1.0.dist-info/RECORD", record),
    ]
    return {"deflated": zipped(files), "stored": zipped(files, zipfile.ZIP_STORED), "empty": zipped([])}


def conda_archives():
    index = json.dumps({"name": "a", "version": "1.0", "build": "0", "build_number": 0, "depends": ["python"]}).encode()
    paths = {"paths": [{"_path": "bin/a", "path_type": "hardlink", "sha256": "00" * 32, "size_in_bytes": 3}]}
    info = [("info/index.json", index), ("info/paths.json", json.dumps(paths).encode()), ("info/has_prefix", b"")]
    content = [("bin/a", b"abc"), ("lib/b", "../bin/a"), ("site-packages/a.py", b"")]
    members = [
        ("metadata.json", b'{"conda_pkg_format_version": 2}'),
        ("pkg-a-1.0-0.tar.zst", zstd(tar(content))),
        ("info-a-1.0-0.tar.zst", zstd(tar(info))),
    ]
    return {
        "conda": b"\0" + zipped(members, zipfile.ZIP_STORED),
        "tar.bz2": b"\1" + bz2.compress(tar(content + info)),
        "tar.bz2-empty": b"\1" + bz2.compress(tar([])),
    }


def models():
    class Model:
        def __init__(self):
            self.coef_ = [1.5, 2]
            self._sklearn_version = "0.22.1"

    Model.__module__, Model.__qualname__ = "sklearn.linear_model.ridge", "Ridge"
    # Stand-ins, for pickle looks the class up.
    for name in ("sklearn", "sklearn.linear_model", "sklearn.linear_model.ridge"):
        sys.modules[name] = type(sys)(name)
    sys.modules["sklearn.linear_model.ridge"].Ridge = Model
    plain = {f"pickle{protocol}": pickle.dumps(Model(), protocol) for protocol in range(6)}
    files = {f"{name}": b"\0" + content for name, content in plain.items()}
    content = plain["pickle4"]
    files["zlib"] = b"\0" + zlib.compress(content)
    files["gzip"] = b"\0" + gzip.compress(content, mtime=0)
    files["xz"] = b"\0" + lzma.compress(content)
    files["several"] = b"\0" + content + plain["pickle2"]
    files["torch"] = b"\0" + zipped([("archive/data.pkl", plain["pickle2"]), ("archive/version", "3\n")], zipfile.ZIP_STORED)
    # ir_version 8, and one import of the operator set 17 (onnx.proto).
    files["onnx"] = b"\1\x08\x08\x3a\x02\x0a\x00\x42\x04\x0a\x00\x10\x11"
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    files["safetensors"] = b"\2" + struct.pack("<Q", len(header)) + header + bytes(4)
    files["keras"] = b"\3" + zipped([("metadata.json", '{"keras_version": "3.4.1"}'), ("config.json", "{}")])
    files["hdf5"] = b"\4\x89HDF\r\n\x1a\n" + bytes(40) + b"keras_version" + bytes(11) + b"2.2.4"
    files["lightgbm"] = b"\4tree\nversion=v3\nnum_class=1\n"
    files["xgboost"] = b'\4{"learner":{"attributes":{}},"version":[1,7,6]}'
    return files


CONDA = """name: project
channels: [conda-forge, 'https://u:p@c.example/t/tk-1/team']
dependencies:
  - python=3.6.2
  - conda-forge::numpy=1.16.*=py36h*
  - pip:
    - azureml-defaults==1.0.33
    - -r more.txt
"""

LIST = """scikit-learn==0.20.3 ; python_version < "3.8"  # a comment
numpy>=1.14,<2 --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000
torch @ https://h.example/torch-1.4.0-cp36-cp36m-linux_x86_64.whl#sha256=00
-e git+https://u:p@h.example/a.git@v1#egg=a[extra]&subdirectory=s
--extra-index-url https://u:p@i.example/simple
-r more.txt
-c bounds.txt
./local/a-1.0.tar.gz
"""

INFERENCE = """{"entryScript": "score.py", "runtime": "python", "condaFile": "env.yml", "extraDockerfileSteps": null,
 "sourceDirectory": null, "enableGpu": false, "baseImage": "mcr.microsoft.com/azureml/base:0.2.4",
 "environment": {"python": {"condaDependencies": {"dependencies": ["python=3.6", {"pip": ["a"]}]}}}}
"""

ACI = "containerResourceRequirements:\n  cpu: 0.5\n  memoryInGB: 1\ncomputeType: ACI\nauthEnabled: true\n"
AKS = json.dumps({
    "computeType": "aks",
    "autoScaler": {"autoscaleEnabled": True, "minReplicas": 1, "targetUtilization": 70},
    "dataCollection": {"storageEnabled": True},
    "livenessProbeRequirements": {"periodSeconds": 10},
    "keys": {"primaryKey": "a", "secondaryKey": "b"},
})

SCRIPT = '''import os, json
from azureml.core.model import Model
import joblib as j


def init():
    global model
    model = j.load(os.path.join(os.getenv("AZUREML_MODEL_DIR"), f"{1}.pkl"))


@input_schema("data", NumpyParameterType(np.array([[1, 2]])))
def run(data, *, b: int = 1) -> list:
    return {"a": (lambda x: x if x else -x)(data)}
'''


def seeds():
    yield "layer", {
        "pax": LAYER,
        "gnu": tar([("y" * 120, b"long"), ("z", "t" * 120)], tarfile.GNU_FORMAT),
        "ustar": tar([("a/b", b"c")], tarfile.USTAR_FORMAT),
        "gzip": gzip.compress(LAYER, mtime=0),
        "zstd": zstd(LAYER),
        "empty": tar([]),
    }
    yield "merge", {
        "delete": b"\x03\x40\x04\x44\x00\x00\x01\x44",
        "opaque": b"\x03\x40\x04\x44\x00\x00\x02\x40\x04\x48",
        "link": b"\x03\x40\x05\x41\x00\x00\x03\x41\x02\x41\x04\x45",
        "replace": b"\x04\x40\x00\x00\x04\x44",
    }
    yield "archive", archives()
    yield "manifest", {"index": INDEX, "image": MANIFEST + b"\0" + CONFIG, "config": b"{}\0" + CONFIG}
    yield "wheel", wheels()
    yield "conda_archive", conda_archives()
    yield "pip_list", {"all": LIST.encode(), "one": b"six==1.16.0;\n", "options": b"--pre\n--no-binary :all:\n-f d\n"}
    yield "conda_file", {
        "file": CONDA.encode(),
        "lines": b"python>=3.6,<3.8|3.9.*\nnumpy 1.16 py36_0\nc::a[version='>=1',build=x*]\n",
        "flow": b"dependencies: [{conda: [a], pip: [b]}]\n",
    }
    yield "document", {
        "yaml": b"a: &x [1, 'two', \"three\"]\nb: *x\n<<: {c: yes}\nd: |\n  text\n",
        "json": b'{"a": [1, null, true], "b": {"c": "d\\u00e4"}}',
        "slips": b"a:b\n-c\n",
    }
    yield "configuration", {"inference": INFERENCE.encode(), "aci": ACI.encode(), "aks": AKS.encode()}
    yield "model", models()
    yield "script", {"score": SCRIPT.encode(), "python2": b"print 'a'\n", "coding": b"# coding: latin-1\nx = '\xe4'\n"}


def main():
    here = pathlib.Path(__file__).resolve().parent
    corpus = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "corpus"
    for target, files in seeds():
        folder = corpus / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            if not (folder / name).exists():
                (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
