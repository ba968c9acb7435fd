//! One run of `uv pip compile` for a target.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use mlpack_oci::Progress;
use mlpack_oci::pending::PendingFolder;
use tokio::sync::Mutex;

use crate::conda::installed::InstalledByConda;
use crate::pip::described_interpreter;
use crate::pip::legacy_metadata::Repairs;
use crate::pip::other_pythons::RequiredPythons;
use crate::pip::uv_failure::UvFailure;
use crate::{Error, Result};
use mlpack_packages::Settings;
use mlpack_packages::cache::store::Store;
use mlpack_packages::net::client::Client;
use mlpack_requirements::pip::PipList;
use mlpack_requirements::{Glibc, Target};
use mlpack_source_build::builder::{LAST_LINES, NO_COMPILER};
use mlpack_source_build::uv::{Uv, UvOutput};
use mlpack_source_build::{build_tools, interpreters};

/// Runs uv: everything that is the same in all runs for one list.
pub(crate) struct Compiler<'a> {
    pub(crate) uv: &'a Uv,
    pub(crate) store: &'a Store,
    /// With the indexes and logins that the list names.
    pub(crate) settings: &'a Settings,
    /// The options of the list.
    pub(crate) list: &'a PipList,
    pub(crate) target: &'a Target,
    /// Where relative paths of the list start, absolute.
    pub(crate) directory: &'a Path,
    pub(crate) installed: Option<&'a InstalledByConda>,
    /// For the files that uv reads.
    pub(crate) work: &'a PendingFolder,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) client: &'a Client,
    /// What releases require whose own words uv does not read.
    pub(crate) repairs: Mutex<Repairs>,
    /// The Pythons that releases are for.
    pub(crate) pythons: RequiredPythons,
}

/// What one run resolves. Never changed: another run gets a value derived from it.
#[derive(Debug, Clone)]
pub(crate) struct CompileRequest {
    /// Requirement lines.
    pub(crate) requirements: Vec<String>,
    /// Bounds for what is installed anyway.
    pub(crate) constraints: Vec<String>,
    /// Versions that count whatever packages ask of each other.
    pub(crate) overrides: Vec<String>,
    /// The text of a `pylock.toml` whose versions are kept where possible.
    pub(crate) preferences: Option<String>,
    /// Packages that must not come from source.
    pub(crate) wheels_only: BTreeSet<String>,
    /// Files uploaded later are ignored.
    pub(crate) cutoff: Option<Timestamp>,
    /// Whether it is known that describing the interpreter is not enough.
    pub(crate) use_host_python: bool,
}

/// What a run found.
pub(crate) struct Compiled {
    /// The text of a `pylock.toml`.
    pub(crate) lock: String,
    /// Whether an interpreter of this machine was needed.
    pub(crate) used_host_python: bool,
}

impl Compiler<'_> {
    /// Resolves a request with the described interpreter, and where uv has to run a Python with one
    /// of this machine.
    ///
    /// # Errors
    /// Those of uv, its messages read.
    pub(crate) async fn compile(&self, request: &CompileRequest) -> Result<Compiled> {
        let mut failure = None;
        if !request.use_host_python {
            let described = described_interpreter::describe(self.target, self.store)?;
            let output = self.run(request, &[("--python", described)], &[]).await?;
            if output.success {
                return Ok(Compiled { lock: output.stdout, used_host_python: false });
            }
            let read = UvFailure::read(&output.stderr);
            if !read.wants_an_interpreter() {
                return Err(read.into_error(self.target).into());
            }
            failure = Some(read);
        }
        self.compile_with_host_python(request, failure).await
    }

    /// Resolves with an interpreter that runs here. One of the target's own minor version comes
    /// first: it runs build scripts as they were meant.
    async fn compile_with_host_python(
        &self,
        request: &CompileRequest,
        failure: Option<UvFailure>,
    ) -> Result<Compiled> {
        let Self { store, target, settings, progress, .. } = *self;
        let archives = self.installed.map_or(&[][..], |installed| &installed.archives);
        let found = interpreters::find(settings, store, target, archives, progress).await?;
        let Some(host) = found.list.first() else {
            let reason = found.explain("no Python on this machine can run its build script");
            let failure = failure.unwrap_or_else(|| UvFailure::read(&reason));
            return Err(failure.into_build_error(target, &reason, 0));
        };
        let (glibc, machine) = (platform_glibc(target.glibc), target.architecture.machine());
        let platform = format!("{machine}-manylinux_{}_{}", glibc.0, glibc.1);
        let options = [
            ("--python", host.path.clone()),
            ("--python-version", target.python.to_string().into()),
            ("--python-platform", platform.into()),
        ];
        // Only metadata is needed here, so a build script needs no compiler.
        let output = self.run(request, &options, &NO_COMPILER).await?;
        if output.success {
            return Ok(Compiled { lock: output.stdout, used_host_python: true });
        }
        let failure = UvFailure::read(&output.stderr);
        if failure.failed_build().is_some() {
            return Err(failure.into_build_error(target, "its build script failed", LAST_LINES));
        }
        Err(failure.into_error(target).into())
    }

    /// Runs uv, and again while it fails for metadata that can be repaired.
    async fn run(
        &self,
        request: &CompileRequest,
        options: &[(&str, PathBuf)],
        variables: &[(&str, &str)],
    ) -> Result<UvOutput> {
        let mut repairs = self.repairs.lock().await;
        loop {
            let mut options = options.to_vec();
            if let Some(text) = repairs.configuration() {
                let path = self.work.path().join("uv.toml");
                fs::write(&path, text).map_err(Error::io("write", &path))?;
                options.push(("--config-file", path));
            }
            let output = self.run_once(request, &options, variables).await?;
            if output.success || !repairs.look(&output.stderr, self.client, self.settings).await {
                return Ok(output);
            }
        }
    }

    async fn run_once(
        &self,
        request: &CompileRequest,
        options: &[(&str, PathBuf)],
        variables: &[(&str, &str)],
    ) -> Result<UvOutput> {
        let mut arguments = self.arguments(request)?;
        for (name, value) in options {
            arguments.extend([name.into(), value.clone()]);
        }
        let input: String =
            request.requirements.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        let Some(preferences) = &request.preferences else {
            return Ok(self.uv.run(&arguments, &input, self.directory, variables).await?);
        };
        // uv prefers the versions of the file that it is going to replace.
        let lock = self.work.path().join("pylock.preferences.toml");
        fs::write(&lock, preferences).map_err(Error::io("write", &lock))?;
        arguments.extend(["--output-file".into(), lock.clone()]);
        let mut output = self.uv.run(&arguments, &input, self.directory, variables).await?;
        if output.success {
            output.stdout = fs::read_to_string(&lock).map_err(Error::io("read", &lock))?;
        }
        Ok(output)
    }

    /// The arguments that follow from a request and its list.
    fn arguments(&self, request: &CompileRequest) -> Result<Vec<PathBuf>> {
        let mut arguments: Vec<PathBuf> =
            ["pip", "compile", "-", "--quiet", "--format", "pylock.toml", "--no-header"]
                .map(Into::into)
                .to_vec();
        // pip ignores `tool.uv.sources` of a pyproject.toml.
        arguments.push("--no-sources".into());
        if let Some(cutoff) = request.cutoff {
            arguments.extend(["--exclude-newer".into(), cutoff.to_string().into()]);
            let installed = self.installed.iter().flat_map(|installed| &installed.names);
            let exempt = build_tools::EXCLUDE_NEWER_EXEMPT.into_iter();
            for name in exempt.chain(installed.map(String::as_str)) {
                let never = format!("{name}=9999-01-01T00:00:00Z");
                arguments.extend(["--exclude-newer-package".into(), never.into()]);
            }
        }
        for (option, name, lines) in [
            ("--constraints", "constraints.txt", &request.constraints),
            ("--overrides", "overrides.txt", &request.overrides),
        ] {
            if !lines.is_empty() {
                let path = self.work.path().join(name);
                fs::write(&path, lines.join("\n") + "\n").map_err(Error::io("write", &path))?;
                arguments.extend([option.into(), path]);
            }
        }
        let tools = self.work.path().join("build-constraints.txt");
        fs::write(&tools, build_tools::OLD_TOOLS).map_err(Error::io("write", &tools))?;
        arguments.extend(["--build-constraints".into(), tools]);
        if let Some(installed) = self.installed {
            arguments.extend(["--constraints".into(), installed.constraints.clone()]);
            arguments.extend(["--find-links".into(), installed.stub_wheels.clone()]);
            let names = installed.names.iter();
            arguments.extend(names.flat_map(|name| ["--no-emit-package".into(), name.into()]));
        }
        let list = self.list;
        for name in &list.no_binary {
            arguments.extend(["--no-binary".into(), name.into()]);
        }
        for name in list.only_binary.iter().chain(&request.wheels_only) {
            arguments.extend(["--only-binary".into(), name.into()]);
        }
        if list.pre {
            arguments.extend(["--prerelease".into(), "allow".into()]);
        }
        if list.all_indexes() {
            arguments.extend(["--index-strategy".into(), "unsafe-best-match".into()]);
        }
        Ok(arguments)
    }
}

/// The newest glibc that uv has a platform name for and the target still meets.
fn platform_glibc(glibc: Glibc) -> Glibc {
    let known = [17, 28].into_iter().chain(31..=40).map(|minor| Glibc(2, minor));
    known.filter(|name| *name <= glibc).max().unwrap_or(Glibc(2, 17))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platform_is_never_newer_than_the_target() {
        let names = [12, 17, 23, 27, 28, 30, 36, 50].map(|minor| platform_glibc(Glibc(2, minor)).1);
        assert_eq!(names, [17, 17, 17, 17, 28, 28, 36, 40]);
    }
}
