//! Packaging: a project on its base becomes a plan, and the plan becomes an image.

use std::collections::BTreeMap;

use mlpack_oci::rootfs::Kind;
use mlpack_oci::{Image, Location, PinnedReference};
use mlpack_project::check::{Finding, Needs, Resolved, Severity};
use mlpack_project::image::{self, Assembler, Base, LayerCache};
use mlpack_project::project::docker_steps::{BaseState, DockerSteps, Step};
use mlpack_project::project::{Project, RegistryAccess};
use serde_json::{Value, json};

use crate::base::{Selected, select};
pub use crate::checks::UNREAD;
use crate::checks::{Checks, OnError};
use crate::environment::{self, EnvironmentInputs};
use crate::inputs::Inputs;
use crate::lock_use::require;
use crate::packages::Packages;
use crate::selftest::Runner;
use crate::stage::Stage;
use crate::{Error, PackageRequest, Refusal, Result, Session};

/// Everything decided about a new image. Nothing was written but caches.
pub struct Plan {
    image: image::Plan,
    base: Base,
    packages: Packages,
    /// Whether the licence of the base allows it on Azure only.
    pub azure_only: bool,
    /// The base registry's own login, which is used for a push to it too.
    access: Option<RegistryAccess>,
    /// Layers of a base in a registry that were read for its facts.
    kept: Option<Stage>,
    /// Runs the image's self-test.
    runner: Option<Runner>,
}

impl Plan {
    /// Returns the plan as lines of text, every default visible.
    pub fn lines(&self) -> Vec<String> {
        self.image.lines()
    }

    /// Returns the plan for programs.
    pub fn to_json(&self) -> Value {
        json!({ "record": self.image.record, "plan": self.lines() })
    }
}

/// An image at its destination.
pub struct Packaged {
    /// The destination, pinned by digest.
    pub reference: PinnedReference,
    /// The image, as long as its layers are kept.
    pub image: Image,
    _kept: Option<Stage>,
    _stage: Stage,
}

/// The findings of all checks of a project.
#[derive(Debug)]
pub struct CheckReport {
    /// Errors last, else in the order in which they were found.
    pub findings: Vec<Finding>,
    /// Why the project cannot be packaged.
    pub failure: Option<Error>,
    /// Why some checks could not run, if errors were found before.
    pub unchecked: Option<Error>,
}

/// Decides everything about the image of a project.
///
/// # Errors
/// [`Refusal`] if a check or the base's policy says no; or if a file cannot be read, a base or
/// packages cannot be found.
pub fn plan(session: &Session, request: &PackageRequest) -> Result<Plan> {
    decide(session, request, OnError::Stop, &mut |finding| session.reporter.finding(finding))
}

/// Runs all checks of a project: those of the project alone, those on its base, and those of its
/// packages, as far as what they need can be had.
pub fn check(session: &Session, request: &PackageRequest) -> CheckReport {
    let mut findings: Vec<Finding> = Vec::new();
    let mut report = |finding: &Finding| findings.push(finding.clone());
    let failure = decide(session, request, OnError::GoOn, &mut report).err();
    findings.sort_by_key(|finding| finding.severity);
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    match failure {
        Some(Error::Refused(refusal @ Refusal::Findings { .. })) => {
            CheckReport { findings, failure: Some(refusal.into()), unchecked: None }
        }
        Some(error) if errors > 0 => {
            let failure = Some(Refusal::Findings { errors }.into());
            CheckReport { findings, failure, unchecked: Some(error) }
        }
        failure => CheckReport { findings, failure, unchecked: None },
    }
}

fn decide(
    session: &Session,
    request: &PackageRequest,
    on_error: OnError,
    report: &mut dyn FnMut(&Finding),
) -> Result<Plan> {
    let (inputs, fault) = match on_error {
        OnError::Stop => (Inputs::read(session, &request.project)?, None),
        OnError::GoOn => Inputs::read_most(session, &request.project)?,
    };
    require(session, &inputs.lock, request.lock_use)?;
    let mut checks = Checks::new(
        session,
        &inputs,
        &request.destination,
        &request.project.allow,
        on_error,
        report,
    );
    // Before anything is downloaded: what can be wrong without a base.
    checks.run(Needs::Project)?;
    if let Some(fault) = fault {
        return Err(checks.unread(&inputs.project, fault).into());
    }
    let platform = &request.project.platform;
    let runner = request.selftest.as_ref().map(|test| Runner::find(session, test, platform));
    let runner = runner.transpose()?;
    let kept = match request.destination.keep_base_layers || runner.is_some() {
        true => Some(Stage::temporary(&session.staging())?),
        false => None,
    };
    let store = kept.as_ref().map(|stage| &stage.store);
    let selected = select(session, &request.project, &inputs.project, store)?;
    let Selected { base, policy, azure_only } = selected;
    let interpreter = environment::select(&request.project, inputs.conda.as_ref(), &base)?;
    checks.subject.set_base(&base.facts, interpreter.python(inputs.conda.as_ref()));
    checks.run(Needs::Base)?;
    let steps = steps(&inputs.project, &base, &mut checks)?;
    let on = EnvironmentInputs::of(&inputs, &interpreter, &base);
    let mut packages = Packages::find(session, request, &inputs, on)?;
    let inventory = packages.inventory(session)?;
    checks.subject.set_packages(Resolved {
        environment: &packages.environment,
        inventory: &inventory,
        root: &base.root,
        env: &base.facts.env,
    });
    checks.run(Needs::Packages)?;
    checks.finish()?;
    let image = image::plan(&image::Inputs {
        project: &inputs.project,
        base: &base,
        steps: &steps,
        environment: &packages.environment,
        options: &packages.options_key(),
        why: &interpreter.why,
        environment_layers: request.environment_layers,
        variables: inputs.conda.as_ref().map_or(&BTreeMap::new(), |conda| &conda.variables),
        policy,
        version: session.version,
        templates: &session.templates,
        front_door: &session.front_door,
        mtime: session.mtime,
    })?;
    Ok(Plan { image, base, packages, azure_only, access: inputs.project.registry, kept, runner })
}

/// Writes the layers, puts the image together, tests it if that was asked for, and sends it to `destination`.
///
/// # Errors
/// If packages cannot be downloaded, or the destination cannot be written; [`Refusal::Selftest`].
pub fn execute(session: &Session, plan: Plan, destination: &Location) -> Result<Packaged> {
    let Plan { image, base, mut packages, access, kept, runner, .. } = plan;
    let python = image.record.python.executable();
    let mut stage = Stage::of(session, destination)?;
    let cache = LayerCache::open(session.cache.join("layers"))?;
    let assembler = Assembler {
        base: &base,
        stage: &stage.store,
        cache: &cache,
        threads: session.threads,
        progress: &*session.progress,
    };
    let image = assembler.assemble(image, &mut || Ok(packages.install(session)?))?;
    if let Some(runner) = runner {
        runner.run(session, &image, &python)?;
    }
    let reference = session.put(&image, destination, access.as_ref())?;
    stage.keep();
    Ok(Packaged { reference, image, _kept: kept, _stage: stage })
}

/// Evaluates extra Dockerfile lines on the base.
fn steps(project: &Project, base: &Base, checks: &mut Checks<'_>) -> Result<Vec<Step>> {
    let Some(path) = &project.docker_steps else { return Ok(Vec::new()) };
    let config = base.image.config.config().clone().unwrap_or_default();
    let variables = base.facts.env.iter().filter_map(|line| line.split_once('='));
    let is_folder =
        |path: &str| base.root.find(path).is_some_and(|found| found.entry.kind == Kind::Directory);
    let state = BaseState {
        environment: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        workdir: config.working_dir().clone().unwrap_or_else(|| "/".to_owned()),
        is_folder: &is_folder,
    };
    let errors = match DockerSteps::load(path)?.evaluate(&state, &project.context) {
        Ok(steps) => return Ok(steps),
        Err(errors) => errors,
    };
    for error in errors {
        checks.report(Finding {
            check: "docker.steps",
            severity: Severity::Error,
            message: error.fault.to_string(),
            hint: error.fault.hint(),
            place: Some((error.path, error.line)),
            edits: Vec::new(),
        });
    }
    match checks.goes_on() {
        true => Ok(Vec::new()),
        false => Err(Refusal::DockerSteps { path: path.clone() }.into()),
    }
}
