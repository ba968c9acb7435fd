//! The environment of a project on its base: which interpreter, and which packages exactly.

use std::path::Path;

use mlpack_lock::{LockTarget, LockedBase, LockedEnvironment, Server};
use mlpack_packages::Settings;
use mlpack_project::image::{Base, InterpreterSelection};
use mlpack_requirements::{CondaFile, PipLine, PipLineKind, Target};
use mlpack_resolve::{Resolution, ResolveRequest, resolve as resolve_packages, settings_of};

use crate::inputs::Inputs;
use crate::{ProjectRequest, Result, Session};

/// What determines an environment.
#[derive(Clone, Copy)]
pub(crate) struct EnvironmentInputs<'a> {
    pub(crate) conda: Option<&'a CondaFile>,
    pub(crate) selection: &'a InterpreterSelection,
    pub(crate) base: &'a Base,
    /// Where relative lines of the pip list start.
    pub(crate) directory: &'a Path,
    /// What runs the entry script.
    pub(crate) server: Server,
}

impl<'a> EnvironmentInputs<'a> {
    pub(crate) fn of(
        inputs: &'a Inputs,
        selection: &'a InterpreterSelection,
        base: &'a Base,
    ) -> Self {
        Self {
            conda: inputs.conda.as_ref(),
            selection,
            base,
            directory: inputs.directory(),
            server: inputs.project.server,
        }
    }

    /// The base as a lock file names it.
    pub(crate) fn locked_base(&self) -> LockedBase {
        LockedBase { reference: self.base.name.clone(), digest: self.base.image.digest }
    }
}

/// Selects the interpreter of the environment.
pub(crate) fn select(
    request: &ProjectRequest,
    conda: Option<&CondaFile>,
    base: &Base,
) -> Result<InterpreterSelection> {
    let preference = request.interpreter;
    Ok(InterpreterSelection::of(conda, &base.facts, &base.image.place, preference)?)
}

/// Adds the indexes and logins of a pip list to the settings, to download what was locked.
pub(crate) fn settings_for(
    session: &Session,
    inputs: EnvironmentInputs<'_>,
    target: &Target,
) -> Result<Settings> {
    let settings = &session.packages;
    let pip = inputs.conda.map_or(&[][..], CondaFile::pip_requirements);
    let names_places =
        |line: &PipLine| line.kind == PipLineKind::Option || line.text.contains("://");
    if !pip.iter().any(names_places) {
        return Ok(settings.clone());
    }
    Ok(settings_of(pip, inputs.directory, target, settings)?)
}

/// Finds exact packages; those of `locked` are kept where they can be.
pub(crate) fn resolve(
    session: &Session,
    inputs: EnvironmentInputs<'_>,
    locked: Option<&LockedEnvironment>,
) -> Result<Resolution> {
    let EnvironmentInputs { conda, selection, directory, server, .. } = inputs;
    let (settings, progress) = (&session.packages, &*session.progress);
    for note in conda.iter().flat_map(|conda| &conda.notes) {
        progress.note(note);
    }
    if let (LockTarget::New { .. }, None) = (&selection.interpreter, conda) {
        return Err(mlpack_project::Error::NoCondaFile.into());
    }
    let request = ResolveRequest {
        target: &selection.interpreter,
        file: conda,
        directory,
        add_server: server == Server::Azmlinfsrv,
        preferences: locked,
    };
    let resolution = session.runtime.block_on(resolve_packages(request, settings, progress))?;
    for note in &resolution.notes {
        progress.note(note);
    }
    Ok(resolution)
}
