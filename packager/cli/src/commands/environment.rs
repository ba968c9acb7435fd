//! The environment of a project on its base: whose interpreter, and which packages exactly.

use std::path::Path;

use mlpack_lock::{LockTarget, LockedBase, LockedEnvironment};
use mlpack_packages::Settings;
use mlpack_project::image::{Base, InterpreterPreference, InterpreterSelection, InterpreterSource};
use mlpack_project::project::Project;
use mlpack_requirements::{CondaFile, PipLine, PipLineKind, Target};
use mlpack_resolve::{Resolution, ResolveRequest, resolve as resolve_request, settings_of};

use crate::args::{EnvironmentArg, ProjectArgs};
use crate::context::Context;
use crate::failure::Result;

/// What decides an environment.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) conda: Option<&'a CondaFile>,
    pub(crate) choice: &'a InterpreterSelection,
    pub(crate) base: &'a Base,
    /// Where relative lines of the pip list start.
    pub(crate) directory: &'a Path,
}

impl<'a> Asked<'a> {
    pub(crate) fn of(
        conda: Option<&'a CondaFile>,
        project: &'a Project,
        choice: &'a InterpreterSelection,
        base: &'a Base,
    ) -> Self {
        let directory = conda.and_then(|conda| conda.path.parent()).unwrap_or(&project.context);
        Self { conda, choice, base, directory }
    }

    /// The base as a lock file names it.
    pub(crate) fn locked_base(&self) -> LockedBase {
        LockedBase { reference: self.base.name.clone(), digest: self.base.image.digest }
    }
}

/// Whose interpreter the environment gets.
pub(crate) fn choose(
    args: &ProjectArgs,
    conda: Option<&CondaFile>,
    base: &Base,
) -> Result<InterpreterSelection> {
    let preference = args.environment.map(|preference| match preference {
        EnvironmentArg::Base => InterpreterPreference::Base,
        EnvironmentArg::New => InterpreterPreference::New,
    });
    Ok(InterpreterSelection::of(conda, &base.facts, &base.image.place, preference)?)
}

/// The settings with what a pip list says of indexes and logins, to fetch what was locked.
pub(crate) fn settings_for(
    asked: Asked<'_>,
    target: &Target,
    settings: &Settings,
) -> Result<Settings> {
    let pip = asked.conda.map_or(&[][..], CondaFile::pip_requirements);
    let names_places =
        |line: &PipLine| line.kind == PipLineKind::Option || line.text.contains("://");
    if !pip.iter().any(names_places) {
        return Ok(settings.clone());
    }
    Ok(settings_of(pip, asked.directory, target, settings)?)
}

/// Finds exact packages; those of `held` stay as they are where they can.
pub(crate) fn resolve(
    context: &Context,
    asked: Asked<'_>,
    held: Option<&LockedEnvironment>,
    settings: &Settings,
) -> Result<Resolution> {
    let Asked { conda, choice, directory, .. } = asked;
    let progress = &*context.progress;
    for note in conda.iter().flat_map(|conda| &conda.notes) {
        progress.note(note);
    }
    let target = match &choice.interpreter {
        InterpreterSource::New { .. } if conda.is_none() => {
            return Err(mlpack_project::Error::NoCondaFile.into());
        }
        InterpreterSource::New { virtual_packages, prefix } => {
            LockTarget::New { virtual_packages, prefix }
        }
        InterpreterSource::Base(target) => LockTarget::Base(target),
    };
    let request =
        ResolveRequest { target, file: conda, directory, add_server: true, preferences: held };
    let resolution = context.runtime.block_on(resolve_request(request, settings, progress))?;
    for note in &resolution.notes {
        progress.note(note);
    }
    Ok(resolution)
}
