//! `mlpack quickstart`: the sample from nothing to an answer.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mlpack_deploy::{Deployer, DeploymentConfig, Request, ServiceName};
use mlpack_host_base::{self as host_base, PythonInstallation};
use mlpack_oci::layer::LayerOptions;
use mlpack_oci::{Image, Location};
use mlpack_project::image::ENVIRONMENT_LAYERS;
use mlpack_project::image::inspect::Inspection;

use super::deploy::up;
use super::init::write_new;
use super::packaging::{Destination, assemble, prepare};
use crate::args::{Format, LockUseArgs, ProjectArgs, QuickstartArgs, TargetArgs};
use crate::context::Context;
use crate::embedded::{QUICKSTART_MODEL, TEMPLATES};
use crate::failure::{Failure, Result};
use crate::{output, outside};

const SERVICE: &str = "mlpack-quickstart";

/// Files without which the sample is not whole.
const FILES: &[&str] =
    &["digits.onnx", "score.py", "environment.yml", "inferenceconfig.json", "sample.json"];

/// How long the catalogue's registry may take to answer before this machine's own Python is used.
const REACH: Duration = Duration::from_secs(10);

/// What is told as it happens to a person, and at the end, all at once, to a program.
struct Told<'a> {
    context: &'a Context,
    facts: serde_json::Map<String, serde_json::Value>,
}

impl Told<'_> {
    fn tell(&mut self, what: &str, text: impl Into<String>) {
        let text = text.into();
        if self.context.format == Format::Text {
            output::line(&format!("{what:<12}{text}"));
        }
        self.facts.insert(what.to_owned(), text.into());
    }

    fn end(self) {
        if self.context.format == Format::Json {
            output::result(Format::Json, &self.facts, |_| String::new());
        }
    }
}

pub(crate) fn run(context: &Context, args: &QuickstartArgs) -> Result<()> {
    let mut told = Told { context, facts: serde_json::Map::new() };
    let dir = context.cwd.join(&args.dir);
    scaffold(&dir)?;
    told.tell("sample", args.dir.display().to_string());
    let (base, policy) = match &args.base_image {
        Some(base) => (base.clone(), host_base::POLICY.to_owned()),
        None => base(context, &mut told)?,
    };
    let prepared = prepare(
        context,
        &project(&dir, base, policy),
        LockUseArgs::default(),
        Destination { output: None, elsewhere: true, azure: Some(false) },
    )?;
    let target =
        Location::Layout { dir: args.dir.join("image"), tag: Some("quickstart".to_owned()) };
    let stage = context.stage(&target)?;
    let packaged = assemble(context, prepared, &stage)?;
    let image = &packaged.image;
    let pinned = context.put(image, &target, None)?;
    stage.keep();
    told.tell("packaged", pinned.to_string());
    told.tell("holds", holds(&Inspection::of(image)));
    told.tell("look inside", format!("mlpack inspect {target}"));
    if !args.no_run
        && let Some(deployer) = deployer(context, &mut told)?
    {
        serve(context, &args.dir, &*deployer, image, &mut told)?;
    }
    told.end();
    Ok(())
}

fn holds(seen: &Inspection) -> String {
    let models = seen.models.iter().map(|model| format!("{}:{}", model.name, model.version));
    format!(
        "{} with {} packages on Python {}, model {}",
        seen.entry_script.as_deref().unwrap_or_default(),
        seen.packages.len(),
        seen.python.as_ref().map_or("?", |python| &python.version),
        models.collect::<Vec<_>>().join(", "),
    )
}

/// The sample's files; an earlier sample in the same folder is kept as it is.
fn scaffold(dir: &Path) -> Result<()> {
    if FILES.iter().all(|name| dir.join(name).is_file()) {
        return Ok(());
    }
    let texts = TEMPLATES
        .iter()
        .filter_map(|(path, text)| Some((path.strip_prefix("quickstart/")?, text.as_bytes())));
    write_new(dir, texts.chain([("digits.onnx", QUICKSTART_MODEL)]))
}

/// The catalogue's base if its registry answers, else one of this machine's own Python.
fn base(context: &Context, told: &mut Told<'_>) -> Result<(String, String)> {
    let known = context.catalogue.default_for("python", false);
    if let Some(known) = known
        && let Ok(Location::Registry(reference)) = known.reference.parse()
    {
        let client = context.registry(None)?;
        let platform = outside::platform();
        let asked =
            async { tokio::time::timeout(REACH, client.image(&reference, &platform)).await };
        let fault = match context.runtime.block_on(asked) {
            Ok(Ok(_)) => return Ok((known.reference.clone(), "azureml-2019".to_owned())),
            Ok(Err(error)) => format!("is out of reach: {error}"),
            Err(_) => format!("did not answer within {} s", REACH.as_secs()),
        };
        told.tell("no base", format!("{} {fault}", known.reference));
    }
    let python = own_python()?;
    told.tell(
        "base",
        format!("made of this machine's own Python {} and C library", python.version()),
    );
    let dir = context.cache.join("host-base").join(python.version());
    let policy = LayerOptions { mtime: context.mtime()?, threads: context.threads };
    host_base::assemble(&python, Path::new("/"), &dir, policy, &*context.progress)?;
    Ok((format!("oci:{}", dir.display()), host_base::POLICY.to_owned()))
}

fn own_python() -> Result<PythonInstallation> {
    let path = outside::search_path().unwrap_or_default();
    let found: Vec<PathBuf> = std::env::split_paths(&path)
        .flat_map(|dir| ["python3", "python"].map(|name| dir.join(name)))
        .filter(|path| path.is_file())
        .collect();
    let mut last = None;
    for python in found {
        match PythonInstallation::query(&python) {
            Ok(python) => return Ok(python),
            Err(error) => last = Some(error),
        }
    }
    Err(match last {
        Some(error) => error.into(),
        None => Failure::Other {
            message: "no Python is on PATH to make a base image of".to_owned(),
            hint: Some("install Python 3.8 or newer, or name a base with --base-image".to_owned()),
        },
    })
}

fn project(dir: &Path, base: String, policy: String) -> ProjectArgs {
    let at = |name: &str| dir.join(name).display().to_string();
    ProjectArgs {
        inference_config: None,
        models: vec![format!("digits={}", at("digits.onnx"))],
        entry_script: Some(at("score.py")),
        source_directory: None,
        conda_file: Some(at("environment.yml")),
        runtime: Some("python".to_owned()),
        extra_dockerfile_steps: None,
        environment_variables: Vec::new(),
        description: None,
        base_image: Some(base),
        base_image_registry: None,
        enable_gpu: None,
        cuda_version: None,
        policy,
        allow: Vec::new(),
        platform: outside::platform(),
        environment: None,
        environment_layers: ENVIRONMENT_LAYERS,
        exclude_newer: None,
        lock: None,
        interpreters: Vec::new(),
        slim: false,
        bytecode: false,
    }
}

/// The deployer, or nothing if no engine answers: then the sample ends with the image.
fn deployer(context: &Context, told: &mut Told<'_>) -> Result<Option<Box<dyn Deployer>>> {
    match context.deployer(&DeploymentConfig::default(), None) {
        Ok(deployer) => Ok(Some(deployer)),
        Err(error @ Failure::Deploy(mlpack_deploy::Error::Target { .. })) => {
            told.tell("not run", error.to_string());
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn serve(
    context: &Context,
    shown: &Path,
    deployer: &dyn Deployer,
    image: &Image,
    told: &mut Told<'_>,
) -> Result<()> {
    let name: ServiceName = SERVICE.parse()?;
    let target = TargetArgs {
        name: SERVICE.to_owned(),
        deploy_config: None,
        compute_type: None,
        compute_target: None,
        port: None,
        overwrite: true,
        timeout: 120,
    };
    let service = up(context, deployer, image, name.clone(), BTreeMap::new(), &target)?;
    let sample = shown.join("sample.json");
    let data =
        fs::read(context.cwd.join(&sample)).map_err(Failure::io("read", sample.display()))?;
    let request = Request {
        data,
        content_type: "application/json".to_owned(),
        timeout: Duration::from_secs(60),
    };
    let answer = context.runtime.block_on(deployer.run(&name, request))?;
    let uri = service.scoring_uri.as_deref().unwrap_or_default();
    told.tell("service", format!("{} is {}", service.name, service.state));
    told.tell("scoring URI", uri);
    told.tell("prediction", String::from_utf8_lossy(&answer.body).trim_end());
    let curl = "curl -H 'Content-Type: application/json'";
    told.tell("ask again", format!("{curl} -d @{} {uri}", sample.display()));
    told.tell("take away", format!("mlpack service delete -n {}", service.name));
    Ok(())
}
