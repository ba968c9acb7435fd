//! A project folder and what resolves it, packages, an index, and what this machine has.

mod index;
mod machine;
mod packages;

pub(crate) use index::Index;
pub(crate) use machine::{files_below, find_uv, interpreter, search_path, skipped, write};

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;

use mlpack_lock::{LockTarget, LockedEnvironment};
use mlpack_oci::Silent;
use mlpack_packages::Settings;
use mlpack_requirements::{Architecture, CondaFile, PythonVersion, Target};
use mlpack_resolve::{Error, Resolution, ResolveRequest, resolve};
use mlpack_source_build::Error as BuildError;
use tempfile::TempDir;

/// A folder with a conda file.
pub(crate) struct Project {
    dir: TempDir,
    pub(crate) settings: Settings,
    pub(crate) target: Target,
    /// Whether the list must contain an inference server.
    pub(crate) add_server: bool,
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
        let target = target((3, 11, 7), 36);
        Self { dir: tempfile::tempdir().unwrap(), settings, target, add_server: false }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Returns a message without the path of this folder.
    pub(crate) fn short(&self, text: &str) -> String {
        text.replace(self.dir.path().to_str().unwrap(), "DIR")
    }

    pub(crate) fn file(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Resolves the conda file `env.yml` with these lines in its list.
    pub(crate) async fn resolve(&self, pip: &[&str]) -> Result<Resolution, Error> {
        self.resolve_from(pip, None).await
    }

    /// The same, where packages of `locked` are kept if possible.
    pub(crate) async fn resolve_from(
        &self,
        pip: &[&str],
        locked: Option<&LockedEnvironment>,
    ) -> Result<Resolution, Error> {
        let quoted = |line: &&str| format!("    - '{}'\n", line.replace('\'', "''"));
        let list: String = pip.iter().map(quoted).collect();
        self.file("env.yml", &format!("dependencies:\n  - pip:\n{list}"));
        let file = CondaFile::load(&self.path("env.yml"))?;
        let request = ResolveRequest {
            target: &LockTarget::Base(self.target.clone()),
            file: Some(&file),
            directory: self.dir.path(),
            add_server: self.add_server,
            preferences: locked,
        };
        resolve(request, &self.settings, &Silent).await
    }

    /// Resolves, or returns nothing if there is no uv.
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

    /// Returns the message and hint of a list that cannot be resolved; nothing if there is no uv.
    pub(crate) async fn refused(&self, pip: &[&str]) -> Option<(String, String)> {
        let error = self.resolve(pip).await.unwrap_err();
        if let Error::SourceBuild(BuildError::UvMissing { reason }) = error {
            skipped(&reason);
            return None;
        }
        Some((self.short(&error.to_string()), self.short(&error.hint().unwrap_or_default())))
    }
}

/// Returns a base image's target.
pub(crate) fn target(python: (u32, u32, u32), glibc: u32) -> Target {
    let python = PythonVersion::new(python.0, python.1, python.2);
    Target {
        interpreter: format!("/opt/miniconda/bin/python{}", python.minor_text()),
        python,
        glibc: mlpack_requirements::Glibc(2, glibc),
        architecture: Architecture::of_this_machine().unwrap(),
    }
}

/// Returns `name==version` of every package.
pub(crate) fn versions(environment: &LockedEnvironment) -> Vec<String> {
    let text =
        |package: &mlpack_lock::LockedPackage| format!("{}=={}", package.name, package.version);
    environment.packages.iter().map(text).collect()
}
