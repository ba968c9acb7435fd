//! Source distributions become wheels: without a compiler first, then with the target's Python.
//! What of a wheel depends on the host that builds it: see [`build_tools`].

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};

use mlpack_oci::pending::PendingFolder;
use mlpack_oci::{Digest, Progress};

use crate::build_tools;
use crate::host_python::HostPython;
use crate::interpreters::Interpreters;
use crate::linker::Linker;
use crate::sources::SourceFetcher;
use crate::uv::Uv;
use crate::{Error, Result};
use mlpack_lock::ArtifactKind;
use mlpack_lock::LockedPackage;
use mlpack_packages::cache::store;
use mlpack_packages::cache::store::Store;
use mlpack_packages::wheel::archive::WheelFile;
use mlpack_requirements::{Glibc, Target, WheelName};

/// A compiler that always fails: setup scripts then leave optional extensions out, so that the
/// wheel is pure and the same on every machine.
pub const NO_COMPILER: [(&str, &str); 4] = [
    ("CC", "/bin/false"),
    ("CXX", "/bin/false"),
    ("SOURCE_DATE_EPOCH", "315532801"),
    ("PYTHONHASHSEED", "0"),
];
/// The same with this machine's compiler.
const COMPILER: [(&str, &str); 2] = [NO_COMPILER[2], NO_COMPILER[3]];
/// Lines of a failed build that are shown.
pub const LAST_LINES: usize = 12;

/// Builds wheels for a target.
pub struct Builder<'a> {
    /// Runs the build.
    pub uv: &'a Uv,
    /// Keeps the wheels.
    pub store: &'a Store,
    /// What the wheels must load on.
    pub target: &'a Target,
    /// What builds.
    pub interpreters: &'a Interpreters,
    /// Where git is looked for.
    pub search_path: Option<&'a OsString>,
}

/// A wheel in a folder of its build.
struct Built {
    wheel: PathBuf,
    /// Whether extensions that the sources can do without were not compiled.
    left_out: bool,
    _work: PendingFolder,
}

/// The wheel built earlier from a source for this interpreter, if it still fits.
pub fn stored(store: &Store, target: &Target, sdist: &Digest) -> Option<PathBuf> {
    let dir = store.built(sdist, target, &build_tools::key());
    let mut wheels: Vec<PathBuf> = std::fs::read_dir(dir)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| accept(path, target).is_ok())
        .collect();
    wheels.sort();
    wheels.into_iter().next()
}

impl Builder<'_> {
    /// Builds a locked source; `file` is its archive unless it is a folder.
    pub async fn build_locked(
        &self,
        package: &LockedPackage,
        file: &Path,
        progress: &dyn Progress,
    ) -> Result<PathBuf> {
        if package.artifact.kind != ArtifactKind::Folder {
            return self.build(package, file, progress).await;
        }
        let fetcher = SourceFetcher { store: self.store, search_path: self.search_path };
        let source = fetcher.locked(&package.artifact).await?;
        self.build(package, &source.path, progress).await
    }

    /// Builds the source at `source`.
    pub async fn build(
        &self,
        package: &LockedPackage,
        source: &Path,
        progress: &dyn Progress,
    ) -> Result<PathBuf> {
        let meter = progress
            .begin(format!("Building {} {}", package.name, package.version).trim_end(), None);
        let outcome = self.attempt(package, source, progress).await;
        meter.finish(if outcome.is_ok() { "built" } else { "failed" });
        outcome
    }

    async fn attempt(
        &self,
        package: &LockedPackage,
        source: &Path,
        progress: &dyn Progress,
    ) -> Result<PathBuf> {
        let interpreters = self.interpreters;
        // Without a compiler: an interpreter whose tools are those of all hosts, then the best one.
        let same = interpreters.list.iter().find(|host| {
            (host.version.major, host.version.minor) >= build_tools::MIN_UNIFORM_PYTHON
        });
        let mut plain = interpreters.explain("no Python is on this machine to build it with");
        let mut tried = None;
        // Works, but slower than with its extensions.
        let mut partial = None;
        for python in same.into_iter().chain(interpreters.list.first()) {
            if tried == Some(python) {
                continue;
            }
            tried = Some(python);
            match self.run(python, source, &NO_COMPILER).await? {
                Ok(built) if !built.left_out => return self.keep(&built, package),
                Ok(built) => {
                    partial = Some(built);
                    break;
                }
                Err(reason) => plain = reason,
            }
        }
        if tried.is_none() {
            return Err(self.refuse(package, plain));
        }
        let Some(matching) = interpreters.matching(self.target) else {
            let (python, machine) = (self.target.python, self.target.architecture.machine());
            if let Some(built) = partial {
                let missing = format!("Python {} on {machine} is not here", python.minor_text());
                progress.note(&without_extensions(package, &missing));
                return self.keep(&built, package);
            }
            let missing =
                format!("it needs a compiler, or Python {} on {machine}", python.minor_text());
            let reason = format!("{}:\n{plain}", interpreters.explain(&missing));
            return Err(self.refuse(package, reason));
        };
        let linker = Linker::of(matching).await;
        let linkers = linker.variables.iter().map(|(name, words)| (*name, words.as_str()));
        let variables: Vec<_> = COMPILER.into_iter().chain(linkers).collect();
        match self.run(matching, source, &variables).await? {
            Ok(built) => {
                if built.left_out {
                    progress
                        .note(&without_extensions(package, "the compiler of this machine failed"));
                }
                let wheel = self.keep(&built, package)?;
                for file in linker.traces(&wheel)? {
                    progress.note(&format!(
                        "{} {} was compiled on this machine and `{file}` contains the folder of {}: the wheel is not reproducible elsewhere",
                        package.name, package.version, matching.path.display()
                    ));
                }
                Ok(wheel)
            }
            Err(reason) => match partial {
                Some(built) => {
                    progress.note(&without_extensions(package, "they cannot be compiled here"));
                    self.keep(&built, package)
                }
                None => Err(self.refuse(package, reason)),
            },
        }
    }

    /// One build; the inner error is the reason why its wheel cannot be used.
    async fn run(
        &self,
        python: &HostPython,
        source: &Path,
        variables: &[(&str, &str)],
    ) -> Result<Result<Built, String>> {
        let work = self.store.work_folder()?;
        let pins = work.path().join("build-constraints.txt");
        let write = |text: &str| std::fs::write(&pins, text).map_err(Error::io("write", &pins));
        write(&[build_tools::PINS, build_tools::OLD_TOOLS].concat())?;
        let arguments: [&OsStr; 9] = [
            "build".as_ref(),
            "--wheel".as_ref(),
            "--python".as_ref(),
            python.path.as_os_str(),
            "--out-dir".as_ref(),
            work.path().as_os_str(),
            source.as_os_str(),
            "--build-constraints".as_ref(),
            pins.as_os_str(),
        ];
        let mut output = self.uv.run(&arguments, "", work.path(), variables).await?;
        if !output.success && build_tools::clash(&output.stderr) {
            // A wheel of other tools is better than none.
            write(build_tools::OLD_TOOLS)?;
            output = self.uv.run(&arguments, "", work.path(), variables).await?;
        }
        if !output.success {
            return Ok(Err(last_lines(&output.stderr)));
        }
        let built = std::fs::read_dir(work.path())
            .map_err(Error::io("read", work.path()))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension().is_some_and(|extension| extension == "whl"));
        let Some(built) = built else {
            return Ok(Err("the build made no wheel".to_owned()));
        };
        if let Err(reason) = accept(&built, self.target) {
            return Ok(Err(reason));
        }
        let left_out = build_tools::skipped_extensions(&output.stderr) && !has_extensions(&built)?;
        Ok(Ok(Built { wheel: built, left_out, _work: work }))
    }

    /// Puts a wheel where it is found again.
    fn keep(&self, built: &Built, package: &LockedPackage) -> Result<PathBuf> {
        let Built { wheel, .. } = built;
        let dir = self.store.built(&package.artifact.sha256, self.target, &build_tools::key());
        let kept = dir.join(wheel.file_name().unwrap_or_default());
        let mut reader = File::open(wheel).map_err(Error::io("read", wheel))?;
        let mut file = store::pending(&kept)?;
        std::io::copy(&mut reader, file.as_file_mut()).map_err(Error::io("write", &kept))?;
        store::persist(file, &kept)?;
        Ok(kept)
    }

    fn refuse(&self, package: &LockedPackage, reason: String) -> Error {
        Error::Unbuildable {
            name: package.name.clone(),
            version: package.version.clone(),
            target: self.target.describe(),
            reason,
            python: self.target.python.minor_text(),
        }
    }
}

/// What is said of a wheel that lacks what its sources have.
fn without_extensions(package: &LockedPackage, reason: &str) -> String {
    let LockedPackage { name, version, .. } = package;
    format!(
        "{name} {version} was built without its optional compiled parts, and may be slower: {reason}"
    )
}

fn has_extensions(wheel: &Path) -> Result<bool> {
    Ok(WheelFile::open(wheel)?.members().keys().any(|path| path.ends_with(".so")))
}

/// Whether a wheel built here loads on the target; the error is the reason why not.
pub fn accept(path: &Path, target: &Target) -> Result<(), String> {
    let filename = mlpack_packages::net::client::file_name(path);
    let name =
        WheelName::parse(&filename).ok_or_else(|| format!("{filename} is not a wheel's name"))?;
    if name.rank(target).is_none() {
        return Err(format!("the wheel was built for {name}"));
    }
    if name.is_pure() {
        return Ok(());
    }
    // A wheel built on this machine may need a newer C library than the image's.
    let wheel = WheelFile::open(path).map_err(|error| error.to_string())?;
    for member in wheel.members().keys() {
        let bytes = wheel.bytes(member).map_err(|error| error.to_string())?;
        let needed =
            mlpack_elf::needed_glibc(&bytes).map_err(|reason| format!("`{member}`: {reason}"))?;
        let needed = needed.map(|(major, minor)| Glibc(major, minor));
        if let Some(needed) = needed.filter(|needed| *needed > target.glibc) {
            let has = target.glibc;
            return Err(format!("`{member}` needs glibc {needed}, the image has {has}"));
        }
    }
    Ok(())
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}
