//! A project folder, packages made on the spot, and what resolves them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mlpack_lock::{LockTarget, LockedEnvironment};
use mlpack_oci::Silent;
use mlpack_packages::Settings;
use mlpack_requirements::{Architecture, CondaFile, PythonVersion, Target};
use mlpack_resolve::Error;
use mlpack_resolve::{Resolution, ResolveRequest, resolve};
use mlpack_source_build::Error as BuildError;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A folder with a conda file.
pub(crate) struct Project {
    dir: TempDir,
    pub(crate) settings: Settings,
    pub(crate) target: Target,
}

impl Project {
    pub(crate) fn new() -> Self {
        static TLS: Once = Once::new();
        TLS.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let mut settings =
            Settings::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join("environment-cache"));
        settings.search_path = Some(search_path());
        Self { dir: tempfile::tempdir().unwrap(), settings, target: target((3, 11, 7), 36) }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A message without the place of this folder.
    pub(crate) fn short(&self, text: &str) -> String {
        text.replace(self.dir.path().to_str().unwrap(), "DIR")
    }

    pub(crate) fn file(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A pure wheel in a folder, for `--find-links` and for its own sake.
    pub(crate) fn wheel(&self, folder: &str, name: &str, version: &str, requires: &[&str]) {
        self.wheel_for(folder, name, version, "py3-none-any", requires);
    }

    pub(crate) fn wheel_for(
        &self,
        folder: &str,
        name: &str,
        version: &str,
        tag: &str,
        requires: &[&str],
    ) {
        let info = format!("{name}-{version}.dist-info");
        let mut metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        for line in requires {
            metadata += &format!("Requires-Dist: {line}\n");
        }
        let files = [
            (format!("{name}.py"), format!("VERSION = '{version}'\n")),
            (format!("{info}/METADATA"), metadata),
            (
                format!("{info}/WHEEL"),
                format!("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"),
            ),
        ];
        let path = self.path(folder).join(format!("{name}-{version}-{tag}.whl"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut zip = ZipWriter::new(fs::File::create(path).unwrap());
        // The default is the clock's.
        let options = SimpleFileOptions::default().last_modified_time(zip::DateTime::DEFAULT);
        let mut record = String::new();
        for (path, text) in &files {
            let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(text));
            record += &format!("{path},sha256={hash},{}\n", text.len());
            zip.start_file(path, options).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.start_file(format!("{info}/RECORD"), options).unwrap();
        zip.write_all(record.as_bytes()).unwrap();
        zip.finish().unwrap();
    }

    /// A source folder whose build needs nothing but Python.
    pub(crate) fn sources(&self, folder: &str, name: &str, version: &str) {
        self.file(
            &format!("{folder}/pyproject.toml"),
            "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
        );
        self.file(&format!("{folder}/{name}.py"), &format!("VERSION = '{version}'\n"));
        self.file(
            &format!("{folder}/backend.py"),
            &BACKEND.replace("NAME", name).replace("VERSION", version),
        );
    }

    /// The same as an archive beside it.
    pub(crate) fn archive(&self, folder: &str, name: &str, version: &str) {
        let whole = format!("{name}-{version}");
        self.sources(&format!("{folder}/{whole}"), name, version);
        self.file(
            &format!("{folder}/{whole}/PKG-INFO"),
            &format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"),
        );
        let packed = Command::new("tar")
            .args(["-czf", &format!("{whole}.tar.gz"), &whole])
            .current_dir(self.path(folder))
            .status();
        assert!(packed.unwrap().success());
        fs::remove_dir_all(self.path(folder).join(whole)).unwrap();
    }

    /// Resolves the conda file `env.yml` with these lines in its list.
    pub(crate) async fn resolve(&self, pip: &[&str]) -> Result<Resolution, Error> {
        self.resolve_from(pip, None).await
    }

    /// The same, where packages of `held` stay if they can.
    pub(crate) async fn resolve_from(
        &self,
        pip: &[&str],
        held: Option<&LockedEnvironment>,
    ) -> Result<Resolution, Error> {
        let quoted = |line: &&str| format!("    - '{}'\n", line.replace('\'', "''"));
        let list: String = pip.iter().map(quoted).collect();
        self.file("env.yml", &format!("dependencies:\n  - pip:\n{list}"));
        let file = CondaFile::load(&self.path("env.yml"))?;
        let request = ResolveRequest {
            target: LockTarget::Base(&self.target),
            file: Some(&file),
            directory: self.dir.path(),
            add_server: false,
            preferences: held,
        };
        resolve(request, &self.settings, &Silent).await
    }

    /// The same, or nothing where there is no uv.
    pub(crate) async fn resolved(&self, pip: &[&str]) -> Option<Resolution> {
        match self.resolve(pip).await {
            Ok(resolution) => Some(resolution),
            Err(Error::SourceBuild(BuildError::UvMissing { reason })) => {
                skipped(&reason);
                None
            }
            Err(error) => panic!("{error}\n{:?}", error.hint()),
        }
    }

    /// Message and remedy of a list that cannot be had; nothing where there is no uv.
    pub(crate) async fn refused(&self, pip: &[&str]) -> Option<(String, String)> {
        let error = self.resolve(pip).await.unwrap_err();
        if let Error::SourceBuild(BuildError::UvMissing { reason }) = error {
            skipped(&reason);
            return None;
        }
        Some((self.short(&error.to_string()), self.short(&error.hint().unwrap_or_default())))
    }
}

/// Writes a wheel of one module, and says so in a file if it may.
const BACKEND: &str = r#"import base64, hashlib, os, zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    info = "NAME-VERSION.dist-info/"
    files = {
        "NAME.py": open("NAME.py").read(),
        info + "METADATA": "Metadata-Version: 2.1\nName: NAME\nVersion: VERSION\n",
        info + "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    os.makedirs("build", exist_ok=True)
    name = "NAME-VERSION-py3-none-any.whl"
    record = ""
    with zipfile.ZipFile(os.path.join(directory, name), "w") as wheel:
        for path, text in files.items():
            digest = hashlib.sha256(text.encode()).digest()
            record += f"{path},sha256={base64.urlsafe_b64encode(digest).decode().rstrip('=')},{len(text)}\n"
            wheel.writestr(path, text)
        wheel.writestr(info + "RECORD", record)
    return name
"#;

/// A conda file whose `pip:` list has these lines.
pub(crate) fn conda_file(pip: &[&str], dir: &Path) -> CondaFile {
    let quoted = |line: &&str| format!("    - '{}'\n", line.replace('\'', "''"));
    let list: String = pip.iter().map(quoted).collect();
    let text = format!("dependencies:\n  - pip:\n{list}");
    CondaFile::parse(&text, &dir.join("env.yml")).unwrap()
}

pub(crate) fn target(python: (u32, u32, u32), glibc: u32) -> Target {
    let python = PythonVersion::new(python.0, python.1, python.2);
    Target {
        interpreter: format!("/opt/miniconda/bin/python{}", python.minor_text()),
        python,
        glibc: (2, glibc),
        architecture: Architecture::of_this_machine().unwrap(),
    }
}

/// `name==version` of every package.
pub(crate) fn versions(environment: &LockedEnvironment) -> Vec<String> {
    let text =
        |package: &mlpack_lock::LockedPackage| format!("{}=={}", package.name, package.version);
    environment.packages.iter().map(text).collect()
}

/// The search path, and behind it the interpreters that pyenv keeps, where it does.
#[allow(clippy::disallowed_methods, reason = "a test finds out what this machine has")]
pub(crate) fn search_path() -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Some(root) = std::env::var_os("PYENV_ROOT")
        && let Ok(versions) = fs::read_dir(Path::new(&root).join("versions"))
    {
        dirs.extend(versions.map(|entry| entry.unwrap().path().join("bin")));
    }
    std::env::join_paths(dirs).unwrap()
}

#[allow(clippy::disallowed_methods, reason = "a test asks whether skipping is allowed")]
pub(crate) fn skipped(reason: &str) {
    assert!(
        std::env::var_os("MLPACK_TEST_REQUIRE").is_none(),
        "required but not possible: {reason}"
    );
    println!("skipped: {reason}");
}
