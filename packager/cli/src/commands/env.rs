//! `mlpack env`: the packages of a project, a lock file or an image, and what changed between two.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use mlpack_lock::{LOCK_NAME, LockFile, LockPlaces};
use mlpack_oci::Location;
use mlpack_oci::rootfs::RootFs;
use mlpack_project::image::{Change, Contents};
use mlpack_project::project::{CondaSource, InferenceConfig, Overrides, Project, Runtime};

use super::check::parse;
use crate::args::{DiffArgs, EnvCommand, ImageArgs, ListArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output::{self, size};

pub(crate) fn run(context: &Context, command: &EnvCommand) -> Result<ExitCode> {
    match command {
        EnvCommand::List(args) => list(context, args),
        EnvCommand::Diff(args) => diff(context, args),
    }
}

fn list(context: &Context, args: &ListArgs) -> Result<ExitCode> {
    let contents = contents(context, &args.source, &args.images)?;
    output::result(context.format, &contents, list_lines);
    Ok(ExitCode::SUCCESS)
}

fn diff(context: &Context, args: &DiffArgs) -> Result<ExitCode> {
    let before = contents(context, &args.before, &args.images)?;
    let after = contents(context, &args.after, &args.images)?;
    let changes = before.changes(&after);
    output::result(context.format, &changes, |changes| match &changes[..] {
        [] => "no difference".to_owned(),
        changes => change_lines(changes),
    });
    Ok(if args.exit_code && !changes.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Changes as a table.
pub(crate) fn change_lines(changes: &[Change]) -> String {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let rows = changes.iter().map(|change| {
        vec![
            change.change.to_owned(),
            change.name.clone(),
            or_dash(change.kind),
            or_dash(change.before.as_deref()),
            or_dash(change.after.as_deref()),
        ]
    });
    output::table(&["CHANGE", "NAME", "KIND", "BEFORE", "AFTER"], rows)
}

fn list_lines(contents: &Contents) -> String {
    let mut facts = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        facts.extend(value.map(|value| vec![name.to_owned(), value]));
    };
    let base = match (&contents.base, contents.base_digest) {
        (Some(name), Some(digest)) => Some(format!("{name} ({digest})")),
        (_, digest) => digest.map(|digest| digest.to_string()),
    };
    add("base", base);
    add("python", contents.python.clone());
    add("server", contents.server.clone());
    let rows = contents.packages.iter().map(|package| {
        let kind = match &package.build {
            Some(build) => format!("{} {build}", package.kind),
            None => package.kind.to_owned(),
        };
        vec![
            package.name.clone(),
            package.version.clone(),
            kind,
            package.from.clone().unwrap_or("-".to_owned()),
            package.size.map_or("-".to_owned(), size),
        ]
    });
    let packages = output::table(&["PACKAGE", "VERSION", "KIND", "FROM", "SIZE"], rows);
    match facts.is_empty() {
        true => packages,
        false => format!("{}\n\n{packages}", output::table(&[], facts)),
    }
}

/// What is at a source: something on disk if there is such a thing, else an image.
fn contents(context: &Context, source: &str, images: &ImageArgs) -> Result<Contents> {
    // Without `.` in what is told.
    let path: PathBuf = context.cwd.join(source).components().collect();
    if path.exists() {
        let lock = lock_of(context, &path)?;
        let places = LockPlaces { current_dir: &context.cwd, find_links: &[] };
        let found = LockFile::load(&lock, places)?;
        let found = found.ok_or(mlpack_lock::Error::Missing { path: lock })?;
        return Ok(Contents::of_lock(&found));
    }
    let location: Location = parse(source).map_err(|failure| match failure {
        Failure::Usage { message, .. } => {
            let hint =
                "name a folder, a lock file, a conda file, or an image as for `mlpack inspect`";
            Failure::usage(message, hint)
        }
        other => other,
    })?;
    let image = context.open(&location, &images.platform, None)?;
    if !images.layers
        && let Some(contents) = Contents::of_record(&image)
    {
        return Ok(contents);
    }
    let indexes = context.indexes().indexes(&image, context.threads, &*context.progress)?;
    Ok(Contents::of_layers(&image, &RootFs::merge(&indexes)))
}

/// The lock file that belongs to a path: itself, or beside the conda file.
fn lock_of(context: &Context, path: &Path) -> Result<PathBuf> {
    if path.is_dir() {
        return Ok(path.join(LOCK_NAME));
    }
    let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    if !matches!(&*extension, "json" | "yml" | "yaml") {
        return Ok(path.to_owned());
    }
    let beside = |path: &Path| path.with_file_name(LOCK_NAME);
    // A conda file is no inference configuration; what is one names its conda file.
    let Ok(config) = InferenceConfig::load(path) else { return Ok(beside(path)) };
    let overrides = Overrides {
        entry_script: Some("score.py".to_owned()),
        runtime: Some(Runtime::Python),
        ..Overrides::default()
    };
    let project = Project::resolve(Some(&config), &overrides, &[], &context.cwd)?;
    Ok(match &project.conda {
        Some(CondaSource::File(conda)) => beside(conda),
        _ => beside(path),
    })
}
