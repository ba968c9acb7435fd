//! One run of `uv pip compile` for a target, and what it says when it gives up.

use std::collections::BTreeSet;
use std::path::PathBuf;

use mlpack_oci::Progress;

use crate::packages::cache::store::Store;
use crate::packages::conda::archive::StoredConda;
use crate::packages::settings::Settings;
use crate::pip_list::PipList;
use crate::resolve::exclude_newer;
use crate::resolve::pip::described_interpreter;
use crate::resolve::pip::resolve::ResolveRequest;
use crate::source_build::builder::{LAST_LINES, NO_COMPILER};
use crate::source_build::uv::{Output, Uv};
use crate::source_build::{build_tools, interpreters};
use crate::{Error, Result, Target};

/// Packages that are in the environment already, as the resolver is told of them.
pub(crate) struct Present {
    /// Normalised names with versions.
    pub(crate) packages: Vec<(String, String)>,
    /// The archives they come from, and all others of the environment.
    pub(crate) archives: Vec<StoredConda>,
    /// Wheels of metadata alone that stand for them.
    pub(crate) stand_ins: PathBuf,
    /// A file that holds each to its version.
    pub(crate) constraints: PathBuf,
}

/// Resolves one list for one target, as often as needed.
pub(crate) struct Compiler<'a> {
    pub(crate) uv: &'a Uv,
    pub(crate) store: &'a Store,
    pub(crate) settings: &'a Settings,
    pub(crate) request: ResolveRequest<'a>,
    pub(crate) present: Option<&'a Present>,
    /// What the list says beside its requirements.
    pub(crate) list: &'a PipList,
    /// The requirements, a line each.
    pub(crate) input: String,
    /// The list's own bounds, in a file.
    pub(crate) constraints: Option<PathBuf>,
    /// Whether only what was there at the moment of the settings counts.
    pub(crate) dated: bool,
    /// A lock (`pylock.NAME.toml`) whose versions are kept where they can be.
    pub(crate) preferred: Option<PathBuf>,
    /// A file of versions that count whatever packages say of each other.
    pub(crate) overrides: Option<PathBuf>,
    /// Whether the described interpreter did not do, and one of this machine must stand in.
    pub(crate) stand_in: bool,
    pub(crate) progress: &'a dyn Progress,
}

impl Compiler<'_> {
    /// The lock (pylock.toml), with the packages of `wheels_only` never from source.
    pub(crate) async fn compile(&mut self, wheels_only: &BTreeSet<String>) -> Result<String> {
        let target = self.request.target;
        let mut failure = None;
        if !self.stand_in {
            let described = described_interpreter::describe(target, self.store)?;
            let output = self.run(&[("--python", described)], wheels_only, &[]).await?;
            if output.success {
                return Ok(output.stdout);
            }
            let read = Failure::read(&output.stderr);
            if !read.wants_an_interpreter() {
                return Err(read.into_error(target));
            }
            failure = Some(read);
        }
        // An interpreter of the target's own minor version, if there is one, comes first: it runs
        // build scripts as they were meant.
        let archives = self.present.map_or(&[][..], |present| &present.archives);
        let found =
            interpreters::find(self.settings, self.store, target, archives, self.progress).await?;
        let Some(host) = found.list.first() else {
            let reason = found.explain("no Python is on this machine to run its build script");
            let failure = failure.unwrap_or_else(|| Failure::read(&reason));
            return Err(failure.into_build_error(target, &reason, 0));
        };
        self.stand_in = true;
        let (glibc, machine) = (platform_glibc(target.glibc), target.architecture.machine());
        let platform = format!("{machine}-manylinux_{}_{}", glibc.0, glibc.1);
        let options = [
            ("--python", host.path.clone()),
            ("--python-version", target.python.to_string().into()),
            ("--python-platform", platform.into()),
        ];
        // Only metadata is wanted here, so a build script needs no compiler.
        let output = self.run(&options, wheels_only, &NO_COMPILER).await?;
        if output.success {
            return Ok(output.stdout);
        }
        let failure = Failure::read(&output.stderr);
        if failure.failed_build().is_some() {
            return Err(failure.into_build_error(target, "its build script failed", LAST_LINES));
        }
        Err(failure.into_error(target))
    }

    async fn run(
        &self,
        options: &[(&str, PathBuf)],
        wheels_only: &BTreeSet<String>,
        variables: &[(&str, &str)],
    ) -> Result<Output> {
        let mut arguments: Vec<PathBuf> =
            ["pip", "compile", "-", "--quiet", "--format", "pylock.toml", "--no-header"]
                .map(Into::into)
                .to_vec();
        // Pip knows nothing of `tool.uv.sources` in somebody's pyproject.toml.
        arguments.push("--no-sources".into());
        for (name, value) in options {
            arguments.extend([name.into(), value.clone()]);
        }
        let moment = self.settings.exclude_newer.as_deref().filter(|_| self.dated);
        if let Some(moment) = moment {
            let cutoff = exclude_newer::cutoff(moment)?;
            arguments.extend(["--exclude-newer".into(), cutoff.to_string().into()]);
            for tool in build_tools::OF_ALL_TIMES {
                arguments.extend(newest(tool));
            }
        }
        if let Some(file) = &self.constraints {
            arguments.extend(["--constraints".into(), file.clone()]);
        }
        if let Some(file) = &self.overrides {
            arguments.extend(["--overrides".into(), file.clone()]);
        }
        if let Some(present) = self.present {
            arguments.extend(["--constraints".into(), present.constraints.clone()]);
            arguments.extend(["--find-links".into(), present.stand_ins.clone()]);
            for (name, _) in &present.packages {
                arguments.extend(["--no-emit-package".into(), name.into()]);
                if moment.is_some() {
                    arguments.extend(newest(name));
                }
            }
        }
        for name in &self.list.no_binary {
            arguments.extend(["--no-binary".into(), name.into()]);
        }
        for name in &self.list.only_binary {
            arguments.extend(["--only-binary".into(), name.into()]);
        }
        if self.list.pre {
            arguments.extend(["--prerelease".into(), "allow".into()]);
        }
        if self.list.all_indexes {
            arguments.extend(["--index-strategy".into(), "unsafe-best-match".into()]);
        }
        for name in wheels_only {
            arguments.extend(["--only-binary".into(), name.into()]);
        }
        let Some(lock) = &self.preferred else {
            return self.uv.run(&arguments, &self.input, self.request.directory, variables).await;
        };
        let before = std::fs::read(lock).map_err(Error::io("read", lock))?;
        arguments.extend(["--output-file".into(), lock.clone()]);
        let mut output =
            self.uv.run(&arguments, &self.input, self.request.directory, variables).await?;
        if output.success {
            output.stdout = std::fs::read_to_string(lock).map_err(Error::io("read", lock))?;
        }
        // The next run prefers the same.
        std::fs::write(lock, before).map_err(Error::io("write", lock))?;
        Ok(output)
    }
}

/// A package is taken as it is today.
fn newest(name: &str) -> [PathBuf; 2] {
    ["--exclude-newer-package".into(), format!("{name}=9999-01-01T00:00:00Z").into()]
}

/// The newest glibc that uv has a platform name for and the target still meets.
fn platform_glibc(glibc: (u32, u32)) -> (u32, u32) {
    let known = [(2, 17), (2, 28)].into_iter().chain((31..=40).map(|minor| (2, minor)));
    known.filter(|name| *name <= glibc).max().unwrap_or((2, 17))
}

/// What uv wrote when it gave up: a headline, causes, hints.
struct Failure {
    headline: String,
    causes: Vec<String>,
    hint: Option<String>,
}

impl Failure {
    fn read(stderr: &str) -> Self {
        let mut failure = Self { headline: String::new(), causes: Vec::new(), hint: None };
        let mut in_hint = false;
        for line in stderr.lines().map(str::trim_end) {
            let text = line.trim_start();
            if let Some(headline) = line.strip_prefix("error: ") {
                headline.clone_into(&mut failure.headline);
            } else if let Some(cause) = text.strip_prefix("cause: ") {
                failure.causes.push(cause.to_owned());
                in_hint = false;
            } else if let Some(hint) = line.strip_prefix("hint: ") {
                failure.hint.get_or_insert_with(|| hint.to_owned());
                in_hint = true;
            } else if !text.is_empty()
                && !in_hint
                && !failure.headline.is_empty()
                && !text.starts_with("warning: ")
            {
                failure.causes.push(text.to_owned());
            }
        }
        if failure.headline.is_empty() {
            stderr.trim().clone_into(&mut failure.headline);
        }
        failure
    }

    fn mentions(&self, text: &str) -> bool {
        self.headline.contains(text) || self.causes.iter().any(|cause| cause.contains(text))
    }

    /// Whether it failed because the described interpreter cannot be run, or not be understood.
    fn wants_an_interpreter(&self) -> bool {
        [
            "Failed to identify base Python",
            "Failed to inspect Python",
            "Querying Python",
            "No interpreter found",
        ]
        .iter()
        .any(|text| self.mentions(text))
            || self.failed_build().is_some()
    }

    /// `wrapt==1.12.1` of "Failed to download and build `wrapt==1.12.1`".
    fn failed_build(&self) -> Option<(String, String)> {
        let begins = ["Failed to download and build `", "Failed to build `"];
        let named = std::iter::once(&self.headline)
            .chain(&self.causes)
            .find_map(|line| begins.iter().find_map(|begin| line.split_once(begin)))?;
        let package = named.1.split('`').next().unwrap_or_default();
        let (name, version) = package.split_once("==").unwrap_or((package, ""));
        let version = version.split_whitespace().next().unwrap_or_default();
        Some((name.split([' ', '@']).next().unwrap_or(name).to_owned(), version.to_owned()))
    }

    /// A source that was not built; with so many of the last lines.
    fn into_build_error(self, target: &Target, reason: &str, lines: usize) -> Error {
        let Some((name, version)) = self.failed_build() else {
            return Error::Resolver { headline: self.headline, causes: self.causes };
        };
        let last = self.causes.len().saturating_sub(lines);
        let lines: String =
            self.causes[last..].iter().map(|cause| format!("\n  {cause}")).collect();
        Error::SourceOnly {
            name,
            version,
            target: target.describe(),
            reason: format!("{reason}{lines}"),
            python: target.python.minor_text(),
        }
    }

    fn into_error(self, target: &Target) -> Error {
        const MISSING: &str = " was not found in the package registry";
        let first = self.causes.first().map(String::as_str).unwrap_or_default();
        if let Some((before, _)) = first.split_once(MISSING)
            && let Some(name) = before.strip_prefix("Because ")
            && !name.contains(' ')
        {
            return Error::NoSuchPackage { name: name.to_owned() };
        }
        if self.headline.starts_with("No solution found") {
            let reason = self.causes.join("\n");
            return Error::Unresolvable { target: target.describe(), reason, hint: self.hint };
        }
        Error::Resolver { headline: self.headline, causes: self.causes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::test_wheels::target;

    #[test]
    fn a_conflict_keeps_the_resolvers_sentences() {
        let text = "error: No solution found when resolving dependencies\n  cause: Because a==1 depends on b>=2 and you require a==1, we can conclude that you require b>=2.\n         And because you require b<2, we can conclude that your requirements are unsatisfiable.\n";
        let error = Failure::read(text).into_error(&target());
        assert_eq!(
            error.to_string(),
            "the pip list cannot be met for cpython-3.6.15-linux-amd64-glibc2.23\nBecause a==1 depends on b>=2 and you require a==1, we can conclude that you require b>=2.\nAnd because you require b<2, we can conclude that your requirements are unsatisfiable."
        );
    }

    #[test]
    fn a_package_that_is_not_there_is_named() {
        let text = "error: No solution found when resolving dependencies\n  cause: Because no-such was not found in the package registry and you require no-such, we can conclude that your requirements are unsatisfiable.\n";
        let error = Failure::read(text).into_error(&target());
        assert_eq!(error.to_string(), "there is no package `no-such` in the index");
    }

    #[test]
    fn a_source_that_must_be_built_is_told_from_a_conflict() {
        let text = "error: Failed to download and build `json-logging-py==0.2`\n  cause: Failed to identify base Python interpreter\n\nhint: `json-logging-py` (v0.2) was included because ...\n";
        let failure = Failure::read(text);
        assert!(failure.wants_an_interpreter());
        assert_eq!(failure.failed_build(), Some(("json-logging-py".to_owned(), "0.2".to_owned())));
        let conflict =
            Failure::read("error: No solution found when resolving dependencies\n  cause: x\n");
        assert!(!conflict.wants_an_interpreter());
    }

    #[test]
    fn the_platform_is_never_newer_than_the_target() {
        let names = [(2, 12), (2, 17), (2, 23), (2, 27), (2, 28), (2, 30), (2, 36), (2, 50)]
            .map(platform_glibc);
        assert_eq!(names, [(2, 17), (2, 17), (2, 17), (2, 17), (2, 28), (2, 28), (2, 36), (2, 40)]);
    }
}
