//! `mlpack quickstart`: creates, packages and runs a sample project.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mlpack_deploy::{Request, ServiceName};
use mlpack_oci::{Image, Location};
use mlpack_project::check::ComputeTarget;
use mlpack_project::image::inspect::Inspection;
use mlpack_project::project::{ModelSpec, ProjectOptions, Runtime};
use mlpack_workflow::host_base::{BaseChoice, catalogue_default, of_this_machine};
use mlpack_workflow::{
    DeployRequest, Destination, Error, PackageRequest, ProjectRequest, Session, deploy, package,
};

use super::init::write_new;
use crate::args::RegistryArgs;
use crate::context::Context;
use crate::embedded::{QUICKSTART_MODEL, TEMPLATES};
use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::settings;

const SERVICE: &str = "mlpack-quickstart";

/// Files without which the sample is incomplete.
const FILES: &[&str] =
    &["digits.onnx", "score.py", "environment.yml", "inferenceconfig.json", "sample.json"];

/// How long the sample's service may take to become ready.
const READY: Duration = Duration::from_secs(120);

/// How long it may take to answer a request.
const ANSWER: Duration = Duration::from_secs(60);

const EXAMPLES: &str = "\
Examples:
  mlpack quickstart                  Create ./mlpack-quickstart and run it
  mlpack quickstart demo --no-run";

/// Create, package and run a sample project
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Directory of the sample
    #[arg(default_value = "mlpack-quickstart")]
    dir: PathBuf,
    /// Package and inspect, but run nothing
    #[arg(long)]
    no_run: bool,
    /// Base image [default: the catalogue's if it can be reached, else one made of this machine's
    /// Python]
    #[arg(long, value_name = "IMAGE")]
    base_image: Option<String>,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// Prints each step as it happens, or all of them at the end as JSON.
struct Steps {
    format: Format,
    facts: serde_json::Map<String, serde_json::Value>,
}

impl Steps {
    fn add(&mut self, what: &str, text: impl Into<String>) {
        let text = text.into();
        if self.format == Format::Text {
            output::line(&format!("{what:<17}{text}"));
        }
        self.facts.insert(what.to_owned(), text.into());
    }

    fn end(self) {
        if self.format == Format::Json {
            output::result(Format::Json, &self.facts, |_| String::new());
        }
    }
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let session = context.packaging(&args.registry, None)?;
    let mut steps = Steps { format: context.format, facts: serde_json::Map::new() };
    let dir = session.cwd.join(&args.dir);
    scaffold(&dir)?;
    steps.add("created", args.dir.display().to_string());
    let base = match &args.base_image {
        Some(image) => BaseChoice::named(image),
        None => base(&session, &mut steps)?,
    };
    let plan = package::plan(&session, &request(&session, &dir, base))?;
    let target =
        Location::Layout { dir: args.dir.join("image"), tag: Some("quickstart".to_owned()) };
    let packaged = package::execute(&session, plan, &target)?;
    steps.add("packaged", packaged.reference.to_string());
    steps.add("contents", summary(&Inspection::of(&packaged.image)));
    steps.add("inspect with", format!("mlpack inspect {target}"));
    if !args.no_run {
        serve(&session, &args.dir, &packaged.image, &mut steps)?;
    }
    steps.end();
    Ok(())
}

/// Summarizes an image.
fn summary(seen: &Inspection) -> String {
    let models = seen.models.iter().map(|model| format!("{}:{}", model.name, model.version));
    format!(
        "{} with {} packages on Python {}, model {}",
        seen.entry_script.as_deref().unwrap_or_default(),
        seen.packages.len(),
        seen.python.as_ref().map_or("?", |python| &python.version),
        models.collect::<Vec<_>>().join(", "),
    )
}

/// Writes the sample's files; an earlier sample in the same directory is kept.
fn scaffold(dir: &Path) -> Result<()> {
    if FILES.iter().all(|name| dir.join(name).is_file()) {
        return Ok(());
    }
    let texts = TEMPLATES
        .iter()
        .filter_map(|(path, text)| Some((path.strip_prefix("quickstart/")?, text.as_bytes())));
    write_new(dir, texts.chain([("digits.onnx", QUICKSTART_MODEL)]))
}

/// Returns the catalogue's base if its registry answers, else one made of this machine's Python.
fn base(session: &Session, steps: &mut Steps) -> Result<BaseChoice> {
    match catalogue_default(session)? {
        Ok(base) => return Ok(base),
        Err(reason) => steps.add("base unavailable", reason),
    }
    let search_path = settings::search_path().unwrap_or_default();
    let (base, version) = of_this_machine(session, &search_path)?;
    steps.add("base", format!("made of this machine's Python {version} and C library"));
    Ok(base)
}

fn request(session: &Session, dir: &Path, base: BaseChoice) -> PackageRequest {
    let at = |name: &str| dir.join(name).display().to_string();
    let digits = ModelSpec { name: "digits".to_owned(), version: 0, path: dir.join("digits.onnx") };
    let project = ProjectRequest {
        options: ProjectOptions {
            entry_script: Some(at("score.py")),
            conda_file: Some(at("environment.yml")),
            runtime: Some(Runtime::Python),
            base_image: Some(base.image),
            ..ProjectOptions::default()
        },
        models: vec![digits.into()],
        policy: base.policy,
        ..ProjectRequest::new(session.platform.clone())
    };
    let destination =
        Destination { output: None, keep_base_layers: true, target: Some(ComputeTarget::Local) };
    PackageRequest { destination, ..PackageRequest::new(project) }
}

/// Runs the sample and sends it a request. Without an engine, the sample ends with the image.
fn serve(session: &Session, shown: &Path, image: &Image, steps: &mut Steps) -> Result<()> {
    let name: ServiceName = SERVICE.parse()?;
    let request = DeployRequest { overwrite: true, timeout: READY, ..DeployRequest::new(SERVICE) };
    let plan = match deploy::plan(session, request) {
        Ok(plan) => plan,
        Err(Error::Deploy(error)) if matches!(*error, mlpack_deploy::Error::Target { .. }) => {
            steps.add("not run", error.to_string());
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let service = deploy::execute(session, plan, image)?;
    let sample = shown.join("sample.json");
    let data =
        fs::read(session.cwd.join(&sample)).map_err(Failure::io("read", sample.display()))?;
    let deployer = deploy::deployer(session, &deploy::ServiceTarget::default())?;
    let request = Request { data, content_type: "application/json".to_owned(), timeout: ANSWER };
    let answer = session.runtime.block_on(deployer.run(&name, request))?;
    let uri = service.scoring_uri.as_deref().unwrap_or_default();
    steps.add("service", format!("{} is {}", service.name, service.state));
    steps.add("scoring URI", uri);
    steps.add("prediction", String::from_utf8_lossy(&answer.body).trim_end());
    let curl = "curl -H 'Content-Type: application/json'";
    steps.add("try again", format!("{curl} -d @{} {uri}", sample.display()));
    steps.add("remove with", format!("mlpack service delete -n {}", service.name));
    Ok(())
}
