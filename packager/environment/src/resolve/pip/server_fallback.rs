//! The list, and the server that is added to it: together if that can be, else the list first.
//!
//! Two things keep them apart. `--exclude-newer` may name a day without a server (docs/azureml-2019.md#0.2), and releases of `azureml-defaults` from before the server pin what it needs newer. Then the
//! list is resolved alone, as it was meant, and the server comes on top of what was found: the
//! packages that the list names stay, the others where they can, and what gives is told.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::lock::environment::LockedEnvironment;
use crate::lock::environment::SERVER;
use crate::packages::net::client::Client;
use crate::resolve::pip::compile::Compiler;
use crate::resolve::pip::pylock::PylockRead;
use crate::resolve::pip::resolve::{prefer_wheels, write_lines};
use crate::resolve::pip::server::ServerChoice;
use crate::{Error, PipLineKind, Result, normalize_name};
use mlpack_oci::pending::PendingFolder;

/// Resolves a list with the server that is added.
pub(crate) struct Worlds<'a> {
    pub(crate) compiler: Compiler<'a>,
    pub(crate) client: &'a Client,
    pub(crate) work: &'a PendingFolder,
}

impl Worlds<'_> {
    /// Resolves `wanted`, the list's own lines, with the server of `choice`.
    pub(crate) async fn resolve(
        &mut self,
        wanted: &[String],
        choice: &ServerChoice,
        notes: &mut Vec<String>,
    ) -> Result<PylockRead> {
        let mut told = choice.notes.clone();
        let together = self.run(wanted, &choice.added, &mut told).await;
        let (failure, server) = match (together, &choice.alone) {
            (Err(failure), Some(server)) if is_conflict(&failure) => (failure, server),
            (outcome, _) => {
                notes.extend(told);
                return outcome;
            }
        };
        let mut told = Vec::new();
        let alone = self.run(wanted, &[], &mut told).await?;
        if alone.environment.package(SERVER).is_some() {
            notes.extend(told);
            return Ok(alone);
        }
        let dated = self.compiler.settings.exclude_newer.is_some();
        match self.add(wanted, server, choice, &alone, &mut told).await {
            Ok(read) => {
                told.extend(self.explain(&alone.environment, &read.environment));
                let mut seen = BTreeSet::new();
                notes.extend(told.into_iter().filter(|note| seen.insert(note.clone())));
                Ok(read)
            }
            // The first failure says it in the list's own terms.
            Err(later) if is_conflict(&later) && !dated => Err(failure),
            Err(later) => Err(later),
        }
    }

    async fn run(
        &mut self,
        wanted: &[String],
        added: &[String],
        notes: &mut Vec<String>,
    ) -> Result<PylockRead> {
        self.compiler.input =
            wanted.iter().chain(added).flat_map(|line| [line.as_str(), "\n"]).collect();
        prefer_wheels(&mut self.compiler, self.client, notes).await
    }

    /// The server on top of what was found without it, of today.
    async fn add(
        &mut self,
        wanted: &[String],
        server: &str,
        choice: &ServerChoice,
        alone: &PylockRead,
        notes: &mut Vec<String>,
    ) -> Result<PylockRead> {
        let list = self.compiler.list;
        let companions: Vec<String> =
            choice.companions.iter().map(|line| self.with_extras(line)).collect();
        let gives = |name: &str| companions.iter().any(|line| named(line) == name);
        // Named in the list, from an index, and not the server's companion.
        let held = list.lines.iter().filter_map(|line| match &line.kind {
            PipLineKind::Requirement { name, url: None, .. } if !gives(name) => {
                let package = alone.environment.package(name)?;
                Some(format!("{name}=={}", package.version))
            }
            _ => None,
        });
        let constraints: Vec<String> = list.constraints.iter().cloned().chain(held).collect();
        let preferred = self.work.path().join("pylock.found.toml");
        fs::write(&preferred, &alone.text).map_err(Error::io("write", &preferred))?;
        self.compiler.constraints = write_lines(self.work, "held.txt", &constraints)?;
        self.compiler.preferred = Some(preferred);
        self.compiler.dated = false;
        let added = [server.to_owned()];
        let mut outcome = self.run(wanted, &added, notes).await;
        if matches!(&outcome, Err(failure) if is_conflict(failure)) {
            // What the list's packages ask of the companions gives way to what the server asks.
            self.compiler.overrides = write_lines(self.work, "overrides.txt", &companions)?;
            outcome = self.run(wanted, &added, notes).await;
        }
        let mut read = outcome?;
        // The same release may have got further files since that day.
        for package in &mut read.environment.packages {
            if let Some(found) = alone.environment.package(&package.name)
                && found.version == package.version
            {
                package.clone_from(found);
            }
        }
        Ok(read)
    }

    /// A companion's line with the extras that the list asks of it.
    fn with_extras(&self, line: &str) -> String {
        let name = named(line);
        let extras: BTreeSet<&str> = self
            .compiler
            .list
            .lines
            .iter()
            .filter_map(|line| match &line.kind {
                PipLineKind::Requirement { name: own, extras, .. } if *own == name => Some(extras),
                _ => None,
            })
            .flatten()
            .map(String::as_str)
            .collect();
        if extras.is_empty() {
            return line.to_owned();
        }
        let extras: Vec<&str> = extras.into_iter().collect();
        line.replacen(&name, &format!("{name}[{}]", extras.join(",")), 1)
    }

    /// What was added and what gave way, one sentence each.
    fn explain(&self, alone: &LockedEnvironment, whole: &LockedEnvironment) -> Vec<String> {
        let Some(server) = whole.package(SERVER) else { return Vec::new() };
        let why = match &self.compiler.settings.exclude_newer {
            Some(moment) => format!("no inference server of {moment} fits the pip list"),
            None => "no inference server fits the pip list as it is".to_owned(),
        };
        let known: BTreeMap<&str, &str> =
            alone.packages.iter().map(|package| (&*package.name, &*package.version)).collect();
        let new = whole.packages.iter().filter(|package| !known.contains_key(&*package.name));
        let mut notes = vec![format!(
            "{why}, so {SERVER} {} of today is added, with {} packages that it needs; all others stay as the list alone has them",
            server.version,
            new.count().saturating_sub(1)
        )];
        let changed: Vec<String> = whole
            .packages
            .iter()
            .filter_map(|package| {
                let before = known.get(&*package.name)?;
                (package.version != **before)
                    .then(|| format!("{} is {} instead of {before}", package.name, package.version))
            })
            .collect();
        if !changed.is_empty() {
            notes.push(format!("because the server needs it, {}", changed.join(", ")));
        }
        notes
    }
}

/// The name that a requirement begins with.
fn named(line: &str) -> String {
    let end = line.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'));
    normalize_name(&line[..end.unwrap_or(line.len())])
}

/// Whether a list asks for what does not go together, or a resolver that tries ended at a release
/// that cannot be built.
fn is_conflict(error: &Error) -> bool {
    match error {
        Error::Unresolvable { .. } | Error::SourceOnly { .. } => true,
        Error::NoSuchPackage { name } => name == SERVER,
        _ => false,
    }
}
