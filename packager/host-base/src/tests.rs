//! Bases assembled from this machine, checked by facts, by policy and by running them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use mlpack_oci::archive::{Flavour, write_archive};
use mlpack_oci::layer::LayerOptions;
use mlpack_oci::rootfs::RootFs;
use mlpack_oci::{Image, Meter, Progress, Silent};

use crate::{Error, LABEL, POLICY, PythonInstallation, assemble};
use mlpack_project::base::{BaseFacts, IndexCache, Policy as BasePolicy, Stage, Status};

const LAYERS: LayerOptions = LayerOptions { mtime: LayerOptions::DEFAULT_MTIME, threads: 2 };

const CURRENT: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../base-images/policies/current.yaml"));

/// Imports of a service without packages: each needs a library.
const RUN: &str = "
import ssl, sqlite3, ctypes, hashlib, lzma, bz2, decimal, zlib
import getpass, locale, platform, subprocess, sys
assert subprocess.check_output('echo shell', shell=True) == b'shell\\n'
assert ssl.create_default_context().get_ca_certs() or not CERTIFICATES
ctypes.CDLL('libstdc++.so.6')
locale.setlocale(locale.LC_ALL, '')
print(platform.python_version(), sys.prefix, sys.executable, getpass.getuser())
";

#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn begin(&self, _: &str, _: Option<u64>) -> Arc<dyn Meter> {
        Arc::new(Silent)
    }
    fn note(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

/// Reports that a test cannot run here; with MLPACK_TEST_REQUIRE=1 that is a failure.
#[allow(clippy::disallowed_methods, reason = "a setting of the test run")]
fn skipped(why: &str) {
    println!("skipped: {why}");
    assert!(
        std::env::var_os("MLPACK_TEST_REQUIRE").is_none_or(|value| value != "1"),
        "this test is required but cannot run: {why}"
    );
}

fn says(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The CPythons of this machine that are new enough, one of each kind of installation: the one on
/// PATH, the system's, and the newest that pyenv keeps.
fn pythons() -> Vec<PythonInstallation> {
    let mut found: Vec<PythonInstallation> = Vec::new();
    let newest = says("pyenv", &["versions", "--bare"]).and_then(|versions| {
        let newest = versions.lines().max_by_key(|version| {
            version.split('.').filter_map(|part| part.parse().ok()).collect::<Vec<u32>>()
        })?;
        says("pyenv", &["prefix", newest]).map(|prefix| Path::new(&prefix).join("bin/python"))
    });
    for python in [PathBuf::from("python3"), "/usr/bin/python3".into()].into_iter().chain(newest) {
        let Ok(python) = PythonInstallation::query(&python) else { continue };
        let minor: u32 = python.version().split('.').nth(1).unwrap().parse().unwrap();
        if minor >= 8 && !found.contains(&python) {
            found.push(python);
        }
    }
    found
}

fn facts(image: &Image, cache: &Path) -> BaseFacts {
    let indexes = IndexCache::new(cache).indexes(image, 2, &Silent).unwrap();
    BaseFacts::read(image, &RootFs::merge(&indexes))
}

#[test]
fn a_base_of_this_machine_is_the_same_each_time_and_says_what_it_is() {
    let Some(python) = pythons().into_iter().next() else { return skipped("no CPython here") };
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let image = assemble(&python, Path::new("/"), &at("one"), LAYERS, &Silent).unwrap();
    let threads = LayerOptions { threads: 1, ..LAYERS };
    let again = assemble(&python, Path::new("/"), &at("two"), threads, &Silent).unwrap();
    assert_eq!(image.digest, again.digest);
    let blobs = fs::read_dir(at("one/blobs/sha256")).unwrap().count();
    assemble(&python, Path::new("/"), &at("one"), LAYERS, &Silent).unwrap();
    assert_eq!(fs::read_dir(at("one/blobs/sha256")).unwrap().count(), blobs);

    let labels = image.config.config().clone().unwrap().labels().clone().unwrap();
    let origin = labels[LABEL].clone();
    assert!(origin.ends_with(&format!(", CPython {}", python.version())), "{origin}");
    assert_eq!(image.manifest.annotations().clone().unwrap()[LABEL], origin);
    let size: u64 = image.layers.iter().map(|layer| layer.descriptor.size()).sum();
    assert!(size < 40 << 20, "{size} bytes");
    let own = [python.base_prefix().to_str().unwrap(), dir.path().to_str().unwrap()];
    let config = String::from_utf8_lossy(&image.config_bytes).into_owned();
    let leaked = own.iter().find(|path| path.len() > "/usr/local".len() && config.contains(**path));
    assert_eq!(leaked, None);
}

#[test]
fn facts_and_policy_know_the_base() {
    let found = pythons();
    if found.is_empty() {
        return skipped("no CPython here");
    }
    let policy = BasePolicy::parse(POLICY, CURRENT).unwrap();
    for python in found {
        let dir = tempfile::tempdir().unwrap();
        let image =
            assemble(&python, Path::new("/"), &dir.path().join("oci"), LAYERS, &Silent).unwrap();
        let facts = facts(&image, &dir.path().join("cache"));
        let known = &facts.python().unwrap().value;
        let short = python.version().rsplit_once('.').unwrap().0;
        assert_eq!(
            (known.version.to_string(), known.path.as_str(), known.on_path.as_deref()),
            (
                python.version().to_owned(),
                format!("/usr/local/bin/python{short}").as_str(),
                Some("/usr/local/bin/python")
            )
        );
        assert_eq!(facts.pythons.len(), 1);
        let os = facts.os.as_ref().unwrap();
        assert!(os.value.name.as_ref().unwrap().contains("assembled by mlpack"), "{os:?}");
        let failed: Vec<_> = policy
            .judge(Stage::Layers, &facts)
            .into_iter()
            .filter(|verdict| matches!(verdict.status, Status::Failed))
            .map(|verdict| verdict.requirement)
            // A machine of another system than Debian or Ubuntu says so.
            .filter(|id| id != "os" || matches!(os.value.id.as_str(), "debian" | "ubuntu"))
            .collect();
        assert_eq!(failed, Vec::<String>::new());
    }
}

#[test]
fn a_base_of_this_machine_runs_as_any_user() {
    if says("docker", &["version", "--format", "{{.Server.Version}}"]).is_none() {
        return skipped("no Docker engine");
    }
    let found = pythons();
    if found.is_empty() {
        return skipped("no CPython here");
    }
    for python in found.iter().filter(|python| python.missing().is_empty()) {
        let dir = tempfile::tempdir().unwrap();
        let image =
            assemble(python, Path::new("/"), &dir.path().join("oci"), LAYERS, &Silent).unwrap();
        let tag = format!("mlpack-test/host-base:{}-{}", python.version(), image.digest.short());
        let archive = dir.path().join("image.tar");
        write_archive(&image, &archive, Flavour::Docker, Some(&tag), &Silent).unwrap();
        says("docker", &["load", "-i", archive.to_str().unwrap()]).unwrap();
        let certificates = crate::certificates::bundle(&crate::Root::new(Path::new("/"))).is_some();
        let run = RUN.replace("CERTIFICATES", if certificates { "True" } else { "False" });
        let run = ["run", "--rm", "--network=none", "--read-only", "--user=65532:65532", &tag]
            .into_iter()
            .chain(["python3", "-c", &run]);
        let output = Command::new("docker").args(run).output().unwrap();
        let _ = says("docker", &["image", "rm", &tag]);
        assert_eq!(
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
            (
                format!("{} /usr/local /usr/local/bin/python3 nonroot\n", python.version()).into(),
                "".into()
            )
        );
    }
}

#[test]
fn what_is_missing_is_named() {
    let Some(python) = pythons().into_iter().next() else { return skipped("no CPython here") };
    let dir = tempfile::tempdir().unwrap();
    let notes = Notes::default();
    let refused = |root: &Path| {
        let error = assemble(&python, root, &dir.path().join("oci"), LAYERS, &notes).unwrap_err();
        assert!(!dir.path().join("oci").exists(), "nothing is written");
        assert!(error.hint().is_some());
        error
    };
    let root = dir.path().join("root");
    let inside = |path: &Path| root.join(path.strip_prefix("/").unwrap());
    let interpreter = inside(python.interpreter());
    fs::create_dir_all(interpreter.parent().unwrap()).unwrap();
    fs::write(&interpreter, "#!/bin/sh\n".repeat(20)).unwrap();
    assert!(matches!(refused(&root), Error::NotAProgram { .. }));
    // The program alone, without the C library.
    fs::copy(python.interpreter(), &interpreter).unwrap();
    let error = refused(&root);
    assert!(
        matches!(&error, Error::LibraryMissing { library, .. } if library == "libc.so.6"),
        "{error}"
    );
    assert_eq!(*notes.0.lock().unwrap(), Vec::<String>::new());
}
