//! Base images made here, with the same bytes on every machine: what reads a base finds everything
//! in them, and nothing in them runs. [`super::runnable_base`] has those that run.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::base_files::{self, Entry, Files};
use super::layout::sha256;
use super::lock::{lock, shared};

const CREATED: &str = "2019-05-02T00:00:00Z";
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// One of the base images: its system, Python and conda.
struct Base {
    name: &'static str,
    release: (&'static str, &'static str, &'static str),
    glibc: &'static str,
    python: &'static str,
    conda: Option<&'static str>,
}

const UBUNTU_16: (&str, &str, &str) = ("ubuntu", "Ubuntu", "16.04");
const UBUNTU_18: (&str, &str, &str) = ("ubuntu", "Ubuntu", "18.04");
const DEBIAN_11: (&str, &str, &str) = ("debian", "Debian GNU/Linux", "11");
const DEBIAN_12: (&str, &str, &str) = ("debian", "Debian GNU/Linux", "12");

const fn base_of(
    name: &'static str,
    release: (&'static str, &'static str, &'static str),
    glibc: &'static str,
    python: &'static str,
    conda: Option<&'static str>,
) -> Base {
    Base { name, release, glibc, python, conda }
}

const BASES: [Base; 7] = [
    base_of("ubuntu16-py35", UBUNTU_16, "2.23", "3.5.6", Some("4.5.12")),
    base_of("ubuntu18-miniconda-py36", UBUNTU_18, "2.27", "3.6.15", Some("4.6.14")),
    base_of("ubuntu18-conda43", UBUNTU_18, "2.27", "3.6.15", Some("4.3.31")),
    base_of("ubuntu18-py27", UBUNTU_18, "2.27", "2.7.18", Some("4.6.14")),
    base_of("debian-py36", DEBIAN_11, "2.31", "3.6.15", Some("4.6.14")),
    base_of("debian12-py311", DEBIAN_12, "2.36", "3.11.9", None),
    base_of("debian12-py313", DEBIAN_12, "2.36", "3.13.1", None),
];

/// The folder of all of them.
pub(super) fn bases_dir() -> PathBuf {
    shared().join("bases")
}

/// `oci:DIR` of a base image.
pub(crate) fn base(name: &str) -> String {
    let base = BASES.iter().find(|base| base.name == name).unwrap();
    let dir = bases_dir().join(name);
    let _lock = lock("bases");
    write(base, &dir);
    format!("oci:{}", dir.display())
}

/// Writes the layout unless it is there.
fn write(base: &Base, dir: &Path) {
    let prefix = if base.conda.is_some() { "opt/miniconda" } else { "usr/local" };
    let (left, deleted) = base_files::leftovers();
    let (id, name, version) = base.release;
    let mut layers = vec![
        ("system", layer(&base_files::system(base.glibc), "")),
        ("release", layer(&base_files::release(id, name, version), "")),
        // Some tools name every entry from `./`.
        ("leftovers", layer(&left, "./")),
        ("python", layer(&base_files::python(prefix, base.python), "")),
    ];
    if let Some(conda) = base.conda {
        layers.push(("conda", layer(&base_files::conda(prefix, conda, base.python), "")));
    }
    layers.push(("clean-up", layer(&deleted, "")));
    let mut env = vec![format!("PATH={SYSTEM_PATH}"), "LANG=C.UTF-8".to_owned()];
    let mut command = vec!["/bin/bash"];
    if base.conda.is_some() {
        env[0] = format!("PATH=/opt/miniconda/bin:{SYSTEM_PATH}");
    } else {
        env.push(format!("PYTHON_VERSION={}", base.python));
        command = vec!["python3"];
    }
    let history: Vec<Value> =
        layers.iter().map(|(why, _)| json!({ "created": CREATED, "created_by": why })).collect();
    let diff_ids: Vec<String> = layers.iter().map(|(_, (tar, _))| sha256(tar)).collect();
    let config = json!({
        "architecture": "amd64", "os": "linux", "created": CREATED,
        "config": {
            "Env": env, "Cmd": command,
            "Labels": { "org.mlpack.test-material": "made by mlpack's tests; nothing in it runs" },
        },
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
        "history": history,
    });
    let blobs = layers.into_iter().map(|(_, (_, blob))| blob).collect();
    super::layout::write(dir, &config, blobs);
}

/// The bytes of a layer, as a tar and compressed. They are stored in the gzip, not deflated, so that
/// they stay the same with another compressor.
fn layer(files: &Files, before: &str) -> (Vec<u8>, Vec<u8>) {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, entry) in &files.0 {
        let mut header = tar::Header::new_gnu();
        header.set_mtime(1_556_755_200);
        let path = format!("{before}{path}");
        match entry {
            Entry::Folder => {
                header.set_entry_type(tar::EntryType::Directory);
                header.set_mode(0o755);
                header.set_size(0);
                tar.append_data(&mut header, format!("{path}/"), std::io::empty()).unwrap();
            }
            Entry::File(bytes, mode) => {
                header.set_mode(*mode);
                header.set_size(bytes.len() as u64);
                tar.append_data(&mut header, path, &bytes[..]).unwrap();
            }
            Entry::Link(target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_mode(0o777);
                header.set_size(0);
                tar.append_link(&mut header, path, target).unwrap();
            }
        }
    }
    let tar = tar.into_inner().unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    gzip.write_all(&tar).unwrap();
    (tar, gzip.finish().unwrap())
}

/// Copies a base image into a folder, to be changed there.
pub(crate) fn copy_base(name: &str, to: &Path) {
    let from = base(name);
    super::context::copy(Path::new(from.strip_prefix("oci:").unwrap()), to);
    assert!(fs::exists(to.join("index.json")).unwrap());
}
