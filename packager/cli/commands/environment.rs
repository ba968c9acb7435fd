//! The environment of a project on its base: whose interpreter, and which packages exactly.

use mlpack_build::image::{Base, Choice, Interpreter, Wish};
use mlpack_build::project::Project;
use mlpack_environment::{
    CondaFile, NewEnvironment, Resolution, ResolveRequest, Settings, resolve as resolve_pip,
    resolve_new,
};

use crate::args::{EnvironmentArg, ProjectArgs};
use crate::context::Context;
use crate::failure::Result;

/// Whose interpreter the environment gets.
pub(crate) fn choose(args: &ProjectArgs, conda: Option<&CondaFile>, base: &Base) -> Result<Choice> {
    let wish = args.environment.map(|wish| match wish {
        EnvironmentArg::Base => Wish::Base,
        EnvironmentArg::New => Wish::New,
    });
    Ok(Choice::of(conda, &base.facts, &base.image.place, wish)?)
}

/// Locks the packages.
pub(crate) fn resolve(
    context: &Context,
    conda: Option<&CondaFile>,
    project: &Project,
    choice: &Choice,
    settings: &Settings,
) -> Result<Resolution> {
    for note in conda.iter().flat_map(|conda| &conda.notes) {
        context.progress.note(note);
    }
    let directory = conda.and_then(|conda| conda.path.parent()).unwrap_or(&project.context);
    let progress = &*context.progress;
    let resolution = match (&choice.interpreter, conda) {
        (Interpreter::New { ground, prefix }, Some(file)) => {
            let request = NewEnvironment { file, ground, prefix, directory, add_server: true };
            context.runtime.block_on(resolve_new(request, settings, progress))?
        }
        (Interpreter::New { .. }, None) => return Err(mlpack_build::Error::NoCondaFile.into()),
        (Interpreter::Base(target), _) => {
            let pip = conda.map_or(&[][..], CondaFile::pip_requirements);
            let request = ResolveRequest { target, pip, directory, add_server: true };
            context.runtime.block_on(resolve_pip(request, settings, progress))?
        }
    };
    for note in &resolution.notes {
        progress.note(note);
    }
    Ok(resolution)
}
