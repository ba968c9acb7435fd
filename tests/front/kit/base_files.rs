//! The files of the base images that are made here: enough of a system for what reads facts.

use std::collections::BTreeMap;

/// What a layer has at a path.
pub(super) enum Entry {
    Folder,
    File(Vec<u8>, u32),
    Link(String),
}

/// The entries of a layer by path, parents included.
#[derive(Default)]
pub(super) struct Files(pub(super) BTreeMap<String, Entry>);

impl Files {
    fn parents(&mut self, path: &str) {
        for (at, _) in path.match_indices('/') {
            self.0.entry(path[..at].to_owned()).or_insert(Entry::Folder);
        }
    }

    pub(super) fn folder(&mut self, path: &str) {
        self.parents(path);
        self.0.insert(path.to_owned(), Entry::Folder);
    }

    pub(super) fn text(&mut self, path: &str, text: &str) {
        self.data(path, text.as_bytes(), 0o644);
    }

    pub(super) fn program(&mut self, path: &str, bytes: &[u8]) {
        self.data(path, bytes, 0o755);
    }

    fn data(&mut self, path: &str, bytes: &[u8], mode: u32) {
        self.parents(path);
        self.0.insert(path.to_owned(), Entry::File(bytes.to_vec(), mode));
    }

    pub(super) fn link(&mut self, path: &str, target: &str) {
        self.parents(path);
        self.0.insert(path.to_owned(), Entry::Link(target.to_owned()));
    }

    /// The entry as a layer without parents has it.
    pub(super) fn alone(&mut self, path: &str, bytes: &[u8]) {
        self.0.insert(path.to_owned(), Entry::File(bytes.to_vec(), 0o644));
    }
}

/// Folder of the shared libraries of amd64.
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";

/// What a Debian with a compiler's runtime has, by the name programs ask for.
const NAMES: [&str; 18] = [
    "ld-linux-x86-64.so.2",
    "libcrypto.so.3",
    "libdl.so.2",
    "libexpat.so.1",
    "libffi.so.8",
    "libgcc_s.so.1",
    "libgomp.so.1",
    "libm.so.6",
    "libnss_dns.so.2",
    "libnss_files.so.2",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libssl.so.3",
    "libstdc++.so.6",
    "libutil.so.1",
    "libuuid.so.1",
    "libz.so.1",
];

/// A usr-merged root with accounts, a shell and a C library of this version.
pub(super) fn system(glibc: &str) -> Files {
    let mut files = Files::default();
    for path in ["etc", "opt", "proc", "root", "tmp", "usr/lib64", "usr/local/bin", "var/tmp"] {
        files.folder(path);
    }
    for name in ["bin", "lib", "lib64"] {
        files.link(name, &format!("usr/{name}"));
    }
    files.link("var/run", "/run");
    files.text("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n");
    files.text("etc/group", "root:x:0:\n");
    files.program("usr/bin/bash", b"\x7fELF test material\0");
    files.link("usr/bin/sh", "bash");
    let banner = format!("\x7fELF\0GNU C Library (mlpack) stable release version {glibc}.\n\0");
    files.program(&format!("{LIBRARIES}/libc.so.6"), banner.as_bytes());
    for name in NAMES {
        files.program(&format!("{LIBRARIES}/{name}"), b"\x7fELF test material\0");
    }
    files
}

/// `os-release` where systems keep it, and the link that programs read.
pub(super) fn release(id: &str, name: &str, version: &str) -> Files {
    let mut files = Files::default();
    files.text(
        "usr/lib/os-release",
        &format!(
            "NAME=\"{name}\"\nID={id}\nVERSION_ID=\"{version}\"\nPRETTY_NAME=\"{name} {version} (mlpack test material)\"\n"
        ),
    );
    files.link("etc/os-release", "../usr/lib/os-release");
    files
}

/// An interpreter below a prefix that no reader runs: its program has the version in it.
pub(super) fn python(prefix: &str, version: &str) -> Files {
    let mut files = Files::default();
    let short = version.rsplit_once('.').unwrap().0;
    let mut program = format!("\x7fELF test material\0{version}\0").into_bytes();
    program.extend(noise(200 << 10));
    files.program(&format!("{prefix}/bin/python{short}"), &program);
    files.link(&format!("{prefix}/bin/python3"), &format!("python{short}"));
    files.link(&format!("{prefix}/bin/python"), &format!("python{short}"));
    files.text(&format!("{prefix}/lib/python{short}/os.py"), "\"\"\"Test material.\"\"\"\n");
    let site = format!("{prefix}/lib/python{short}/site-packages");
    for (name, version) in [("pip", "19.0.3"), ("setuptools", "41.0.0")] {
        let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        files.text(&format!("{site}/{name}-{version}.dist-info/METADATA"), &metadata);
        files.text(&format!("{site}/{name}/__init__.py"), "");
    }
    files
}

/// The records of a conda installation.
pub(super) fn conda(prefix: &str, conda: &str, python: &str) -> Files {
    let mut files = Files::default();
    let short = python.rsplit_once('.').unwrap().0;
    let tag = format!("py{}_0", short.replace('.', ""));
    for (name, version, build) in [
        ("ca-certificates", "2019.1.23", "0"),
        ("conda", conda, &tag),
        ("openssl", "1.1.1b", "h7b6447c_1"),
        ("pip", "19.0.3", &tag),
        ("python", python, "h0371630_0"),
        ("setuptools", "41.0.0", &tag),
    ] {
        record(&mut files, prefix, name, version, build);
    }
    files.text(&format!("{prefix}/conda-meta/history"), "==> 2019-05-02 00:00:00 <==\n");
    files.program(&format!("{prefix}/bin/conda"), b"#!/bin/sh\nexit 1\n");
    files
}

fn record(files: &mut Files, prefix: &str, name: &str, version: &str, build: &str) {
    let record = serde_json::json!({
        "name": name, "version": version, "build": build, "build_number": 0, "files": [],
    });
    let path = format!("{prefix}/conda-meta/{name}-{version}-{build}.json");
    files.text(&path, &format!("{record}\n"));
}

/// What a careless build leaves, and the layer that deletes it with a whiteout and an opaque
/// folder: who ignores those finds an old conda and a Python 2.6.
pub(super) fn leftovers() -> (Files, Files) {
    let mut files = Files::default();
    for prefix in ["opt/miniconda-old", "opt/build"] {
        record(&mut files, prefix, "conda", "4.3.11", "py26_0");
        record(&mut files, prefix, "python", "2.6.9", "1");
        files.program(&format!("{prefix}/bin/python2.6"), b"#!/bin/sh\nexit 1\n");
    }
    let mut deleted = Files::default();
    deleted.alone("opt/.wh.miniconda-old", b"");
    deleted.alone("opt/build/.wh..wh..opq", b"");
    deleted.alone("opt/build/README", b"Left after the clean-up layer.\n");
    (files, deleted)
}

/// Bytes that do not compress, the same every time.
pub(crate) fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut bytes = Vec::with_capacity(count + 8);
    while bytes.len() < count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}
