//! From arguments to an image: the road every command that builds goes.

use std::collections::BTreeMap;

use mlpack_install::{
    Bytecode, InstallOptions, Installation, Inventory, Pruned, fetch_packages, install,
};
use mlpack_lock::{LockedEnvironment, incompatibilities};
use mlpack_oci::Image;
use mlpack_oci::rootfs::Kind;
use mlpack_project::image::{self, Base, Inputs, LayerCache, Plan};
use mlpack_project::project::docker_steps::{BaseState, DockerSteps, Step};
use mlpack_project::project::{
    CondaSource, InferenceConfig, ModelSpec, Overrides, Project, RegistryAccess, Runtime,
};
use mlpack_requirements::CondaFile;
use mlpack_resolve::Resolution;

use super::base::base;
use super::environment::{Asked, choose, resolve};
use super::findings::{CheckContext, Judge};
use super::locking::{demand, lock_path, locked};
use crate::args::{LockUseArgs, ProjectArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;
use crate::stage::Stage;

/// A project on its base, resolved and planned.
pub(crate) struct Prepared {
    pub(crate) plan: Plan,
    pub(crate) azure_only: bool,
    /// The base registry's own login, which counts for a push to it too.
    pub(crate) access: Option<RegistryAccess>,
    base: Base,
    /// Layers of a base far away that were read for its facts.
    kept: Option<Stage>,
    environment: LockedEnvironment,
    /// Lends the logins of its channels to archives that are not in the cache.
    conda: Option<CondaFile>,
    slim: bool,
    bytecode: Option<Bytecode>,
    settings: mlpack_packages::Settings,
}

/// What is known of where an image will be.
#[derive(Clone, Copy, Default)]
pub(crate) struct Destination<'a> {
    /// As `--output` names it.
    pub(crate) output: Option<&'a str>,
    /// Whether the base's layers will be needed here: not for an image that goes to a registry.
    pub(crate) elsewhere: bool,
    /// Whether it will run on Azure, if that is decided.
    pub(crate) azure: Option<bool>,
}

/// Everything up to the plan. Nothing is written but caches.
pub(crate) fn prepare(
    context: &Context,
    args: &ProjectArgs,
    lock_use: LockUseArgs,
    destination: Destination<'_>,
) -> Result<Prepared> {
    let project = project(context, args)?;
    let conda = conda_file(&project)?;
    let lock = lock_path(context, args, &project);
    demand(&lock, lock_use)?;
    // Before anything is fetched: what can be wrong without a base.
    let asked_for = context.environment(&args.interpreters, args.exclude_newer.as_deref())?;
    let mut judge = Judge::new(context, &project, conda.as_ref(), destination, &asked_for);
    judge.judge(None)?;
    let kept = match destination.elsewhere {
        true => Some(Stage::temporary(&context.cache.join("stage"))?),
        false => None,
    };
    let store = kept.as_ref().map(|stage| &stage.store);
    let (base, policy, azure_only) = base(context, args, &project, store)?;
    let choice = choose(args, conda.as_ref(), &base)?;
    let on = CheckContext { base: &base, python: choice.python(), packages: None };
    judge.judge(Some(on))?;
    let steps = steps(&project, &base)?;
    let asked = Asked::of(conda.as_ref(), &project, &choice, &base);
    let Resolution { environment, settings, .. } = match lock_use.no_lock {
        true => resolve(context, asked, None, &asked_for)?,
        false => locked(context, asked, &lock, args, lock_use, &asked_for)?,
    };
    let wrong = incompatibilities(&environment, &environment.target);
    if let Some(first) = wrong.first() {
        let message = wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        return Err(Failure::Refused { message, hint: first.hint().to_owned() });
    }
    let mtime = context.mtime()?;
    let bytecode = match args.bytecode {
        true => {
            let python = environment.target.python;
            let found = Bytecode::find(python, mtime, context.threads, &settings);
            Some(context.runtime.block_on(found)?)
        }
        false => None,
    };
    let inventory = inventory(context, &environment, conda.as_ref(), &settings)?;
    let on = CheckContext {
        base: &base,
        python: Some(environment.target.python),
        packages: Some((&environment, &inventory)),
    };
    judge.judge(Some(on))?;
    let options = InstallOptions { slim: args.slim, bytecode: bytecode.as_ref() };
    let plan = image::plan(&Inputs {
        project: &project,
        base: &base,
        steps: &steps,
        environment: &environment,
        options: &options.key(),
        why: &choice.why,
        environment_layers: args.environment_layers,
        variables: conda.as_ref().map_or(&BTreeMap::new(), |conda| &conda.variables),
        policy,
        version: env!("CARGO_PKG_VERSION"),
        templates: &context.templates,
        mtime,
    })?;
    let access = project.registry;
    let slim = args.slim;
    Ok(Prepared {
        plan,
        azure_only,
        access,
        base,
        kept,
        environment,
        slim,
        bytecode,
        conda,
        settings,
    })
}

/// A new image, as long as the layers it stands on are at hand.
pub(crate) struct Packaged {
    pub(crate) image: Image,
    _kept: Option<Stage>,
}

/// Writes the layers and puts the image together.
pub(crate) fn assemble(context: &Context, prepared: Prepared, stage: &Stage) -> Result<Packaged> {
    let Prepared { plan, base, kept, environment, slim, bytecode, conda, settings, .. } = prepared;
    let options = InstallOptions { slim, bytecode: bytecode.as_ref() };
    let cache = LayerCache::open(context.cache.join("layers"))?;
    let mut laid = || -> mlpack_project::Result<Installation> {
        let fetched = fetch_packages(&environment, conda.as_ref(), &settings, &*context.progress);
        let fetched = context.runtime.block_on(fetched)?;
        let laid = install(&fetched, &environment, &options)?;
        for note in &laid.notes {
            context.progress.note(note);
        }
        for Pruned { rule, files, bytes } in laid.pruned() {
            let size = output::size(bytes);
            context.progress.note(&format!("left out {}: {files} files, {size}", rule.words()));
        }
        Ok(laid)
    };
    let progress = &*context.progress;
    let image =
        image::assemble(plan, &base, &stage.store, &cache, context.threads, &mut laid, progress)?;
    Ok(Packaged { image, _kept: kept })
}

/// What the packages hold; they are fetched only if one of them was never looked into.
fn inventory(
    context: &Context,
    environment: &LockedEnvironment,
    conda: Option<&CondaFile>,
    settings: &mlpack_packages::Settings,
) -> Result<Inventory> {
    if let Some(known) = Inventory::known(environment, &context.cache)? {
        return Ok(known);
    }
    let fetched = fetch_packages(environment, conda, settings, &*context.progress);
    let fetched = context.runtime.block_on(fetched)?;
    Ok(Inventory::read(&fetched, &context.cache, context.threads)?)
}

pub(crate) fn project(context: &Context, args: &ProjectArgs) -> Result<Project> {
    let config = args
        .inference_config
        .as_ref()
        .map(|path| InferenceConfig::load(&context.cwd.join(path)))
        .transpose()?;
    let models =
        args.models.iter().map(|text| text.parse::<ModelSpec>()).collect::<Result<Vec<_>, _>>()?;
    let overrides = Overrides {
        entry_script: args.entry_script.clone(),
        source_directory: args.source_directory.clone(),
        conda_file: args.conda_file.clone(),
        runtime: args.runtime.as_deref().map(runtime).transpose()?,
        enable_gpu: args.enable_gpu,
        cuda_version: args.cuda_version.clone(),
        base_image: args.base_image.clone(),
        registry_address: args.base_image_registry.clone(),
        registry_username: None,
        registry_password: None,
        docker_steps: args.extra_dockerfile_steps.clone(),
        environment_variables: variables(&args.environment_variables)?,
        description: args.description.clone(),
    };
    Ok(Project::resolve(config.as_ref(), &overrides, &models, &context.cwd)?)
}

fn runtime(text: &str) -> Result<Runtime> {
    text.parse().map_err(|_| {
        Failure::usage(format!("--runtime {text} is not known"), "write python or spark-py")
    })
}

/// `NAME=VALUE` pairs.
pub(crate) fn variables(texts: &[String]) -> Result<Vec<(String, String)>> {
    texts
        .iter()
        .map(|text| match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            _ => {
                Err(Failure::usage(format!("`{text}` is not a variable"), "write it as NAME=VALUE"))
            }
        })
        .collect()
}

pub(crate) fn conda_file(project: &Project) -> Result<Option<CondaFile>> {
    Ok(match &project.conda {
        // A missing one is a finding of the checks, with the line that names it.
        Some(CondaSource::File(path)) if path.is_file() => Some(CondaFile::load(path)?),
        Some(CondaSource::File(_)) => None,
        Some(CondaSource::Inline { text, path }) => Some(CondaFile::parse(text, path)?),
        None => None,
    })
}

/// Extra Dockerfile lines on top of the base.
fn steps(project: &Project, base: &Base) -> Result<Vec<Step>> {
    let Some(path) = &project.docker_steps else { return Ok(Vec::new()) };
    let config = base.image.config.config().clone().unwrap_or_default();
    let environment = base
        .facts
        .env
        .iter()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let is_folder =
        |path: &str| base.root.find(path).is_some_and(|found| found.entry.kind == Kind::Directory);
    let state = BaseState {
        environment,
        workdir: config.working_dir().clone().unwrap_or_else(|| "/".to_owned()),
        is_folder: &is_folder,
    };
    let lines = DockerSteps::load(path)?;
    lines.evaluate(&state, &project.context).map_err(|errors| {
        for error in &errors {
            output::error_line(&format!("{}: {error}", output::red("error")));
            output::error_line(&format!("  remedy: {}", error.fault.hint()));
        }
        Failure::Refused {
            message: format!("{} cannot be followed", path.display()),
            hint: "take those lines out; what they install belongs into the conda file or the base image".to_owned(),
        }
    })
}
