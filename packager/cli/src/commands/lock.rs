//! `mlpack lock`: exact packages written down, renewed, or held against the project.

use std::path::Path;

use mlpack_lock::{LockFile, LockPlaces, LockTarget};
use mlpack_packages::Settings;
use mlpack_project::image::{Change, Contents};
use mlpack_project::project::CondaSource;
use serde::Serialize;

use super::base::base;
use super::env::change_lines;
use super::environment::{Asked, choose, resolve};
use super::locking::{inputs, lock_path, shown, tell_notes};
use super::packaging::{conda_file, project};
use crate::args::{LockArgs, ProjectArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;

/// What is told in the end.
#[derive(Serialize)]
struct Outcome {
    lock: String,
    state: &'static str,
    packages: usize,
    changes: Vec<Change>,
}

pub(crate) fn run(context: &Context, args: &LockArgs) -> Result<()> {
    let project_args = with_script(&args.project);
    let project = project(context, &project_args)?;
    let conda = conda_file(&project)?;
    if let (None, Some(source)) = (&conda, &project.conda) {
        let (CondaSource::File(path) | CondaSource::Inline { path, .. }) = source;
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(Failure::io("read", path.display())(missing));
    }
    let path = lock_path(context, &args.project, &project);
    let (base, ..) = base(context, &args.project, &project, None)?;
    let choice = choose(&args.project, conda.as_ref(), &base)?;
    let settings =
        context.environment(&args.project.interpreters, args.project.exclude_newer.as_deref())?;
    let asked = Asked::of(conda.as_ref(), &project, &choice, &base);
    let outcome = match args.check {
        true => check(context, asked, &path, &settings)?,
        false => write(context, asked, &path, &args.update, &settings)?,
    };
    output::result(context.format, &outcome, lines);
    Ok(())
}

/// No entry script is needed to lock a conda file.
fn with_script(args: &ProjectArgs) -> ProjectArgs {
    let mut args = args.clone();
    if args.inference_config.is_none() {
        args.entry_script.get_or_insert_with(|| "score.py".to_owned());
    }
    args
}

fn check(context: &Context, asked: Asked<'_>, path: &Path, settings: &Settings) -> Result<Outcome> {
    let name = shown(context, path);
    let refused = |message: String| Failure::Refused {
        message,
        hint: "`mlpack lock` with the same arguments brings it up to date".to_owned(),
    };
    let links = settings.indexes.folders(asked.directory);
    let places = LockPlaces { current_dir: &settings.current_dir, find_links: &links };
    let lock = LockFile::load(path, places)?;
    let lock = lock.ok_or_else(|| refused(format!("there is no {name}")))?;
    let now = inputs(asked, path, settings)?;
    let fit = lock.fit(&now, asked.choice.lock_target(), &asked.locked_base());
    if !fit.is_good() {
        return Err(refused(format!("{name} does not fit: {}", fit.differences.join("; "))));
    }
    tell_notes(context, &name, &fit);
    Ok(Outcome::of(name, "fits", &lock, Vec::new()))
}

fn write(
    context: &Context,
    asked: Asked<'_>,
    path: &Path,
    update: &[String],
    settings: &Settings,
) -> Result<Outcome> {
    let name = shown(context, path);
    let links = settings.indexes.folders(asked.directory);
    let places = LockPlaces { current_dir: &settings.current_dir, find_links: &links };
    let all = update.iter().any(String::is_empty);
    // What is renewed as a whole need not be readable.
    let before = match all {
        true => LockFile::load(path, places).ok().flatten(),
        false => LockFile::load(path, places)?,
    };
    let now = inputs(asked, path, settings)?;
    if let Some(lock) = before.as_ref().filter(|_| update.is_empty()) {
        let mut fit = lock.fit(&now, asked.choice.lock_target(), &asked.locked_base());
        if fit.is_good() && fit.other_base.is_none() {
            tell_notes(context, &name, &fit);
            return Ok(Outcome::of(name, "up to date", lock, Vec::new()));
        }
        if fit.is_good() {
            // Another base to which the same packages fit: only its name is written anew.
            fit.other_base = None;
            tell_notes(context, &name, &fit);
            let lock = LockFile { base: asked.locked_base(), ..lock.clone() };
            return save(name, before.as_ref(), &lock, path, places);
        }
        context.progress.note(&format!("{name}: {}", fit.differences.join("; ")));
    }
    let held = match &before {
        Some(lock) if !all => Some(lock.without(update, path)?),
        None if !all && !update.is_empty() => {
            return Err(mlpack_lock::Error::Missing { path: path.to_owned() }.into());
        }
        _ => None,
    };
    let environment = resolve(context, asked, held.as_ref(), settings)?.environment;
    let cuda = match asked.choice.lock_target() {
        LockTarget::New { virtual_packages, .. } => virtual_packages.cuda.clone(),
        LockTarget::Base(_) => None,
    };
    let lock = LockFile { inputs: now, base: asked.locked_base(), cuda, environment };
    save(name, before.as_ref(), &lock, path, places)
}

fn save(
    name: String,
    before: Option<&LockFile>,
    lock: &LockFile,
    path: &Path,
    places: LockPlaces<'_>,
) -> Result<Outcome> {
    if before == Some(lock) {
        return Ok(Outcome::of(name, "up to date", lock, Vec::new()));
    }
    lock.save(path, places)?;
    let changes = match before {
        Some(before) => Contents::of_lock(before).changes(&Contents::of_lock(lock)),
        None => Vec::new(),
    };
    Ok(Outcome::of(name, "written", lock, changes))
}

impl Outcome {
    fn of(name: String, state: &'static str, lock: &LockFile, changes: Vec<Change>) -> Self {
        let packages = lock.environment.conda.len() + lock.environment.packages.len();
        Self { lock: name, state, packages, changes }
    }
}

fn lines(outcome: &Outcome) -> String {
    let Outcome { lock, state, packages, changes } = outcome;
    match *state {
        "written" if changes.is_empty() => format!("{lock} written: {packages} packages"),
        "written" => format!("{lock} written: {packages} packages\n{}", change_lines(changes)),
        "fits" => format!("{lock} fits"),
        _ => format!("{lock} is up to date"),
    }
}
