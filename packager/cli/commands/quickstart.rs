//! `mlpack quickstart`: the sample from nothing to an answer.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mlpack_build::host_base::{self, HostPython};
use mlpack_build::image::inspect::Inspection;
use mlpack_deploy::config::LocalConfig;
use mlpack_deploy::{LocalDeployer, ServiceName, Webservice};
use mlpack_engine::Engine;
use mlpack_oci::layer::Policy;
use mlpack_oci::{Image, Location, Platform};

use super::deploy::up;
use super::init::write_new;
use super::packaging::{assemble, prepare};
use crate::args::{ProjectArgs, QuickstartArgs, TargetArgs};
use crate::context::Context;
use crate::embedded::{QUICKSTART_MODEL, TEMPLATES};
use crate::failure::{Failure, Result};
use crate::output;
use crate::outside;

const SERVICE: &str = "mlpack-quickstart";

/// How long the catalogue's registry may take to answer before this machine's own Python is used.
const REACH: Duration = Duration::from_secs(10);

pub(crate) fn run(context: &Context, args: &QuickstartArgs) -> Result<()> {
    let dir = context.cwd.join(&args.dir);
    scaffold(&dir, &args.dir)?;
    let (base, policy) = match &args.base_image {
        Some(base) => (base.clone(), "current"),
        None => base(context)?,
    };
    let prepared = prepare(context, &project(&dir, base, policy))?;
    let target =
        Location::Layout { dir: args.dir.join("image"), tag: Some("quickstart".to_owned()) };
    let stage = context.stage(&target)?;
    let image = assemble(context, prepared, &stage)?;
    let pinned = context.put(&image, &target, None)?;
    let seen = Inspection::of(&image);
    say(&format!("packaged    {pinned}"));
    say(&format!(
        "holds       {} with {} packages on Python {}, model {}",
        seen.entry_script.unwrap_or_default(),
        seen.packages.len(),
        seen.python.map(|python| python.version).unwrap_or_default(),
        seen.models
            .iter()
            .map(|model| format!("{}:{}", model.name, model.version))
            .collect::<Vec<_>>()
            .join(", "),
    ));
    say(&format!("look inside mlpack inspect {target}"));
    if args.no_run {
        return Ok(());
    }
    match engine(context)? {
        Some(engine) => serve(context, &dir, engine, &image),
        None => Ok(()),
    }
}

fn say(line: &str) {
    output::line(line);
}

/// The sample's files; an earlier sample in the same folder is kept as it is.
fn scaffold(dir: &Path, shown: &Path) -> Result<()> {
    if dir.join("digits.onnx").is_file() && dir.join("score.py").is_file() {
        return Ok(());
    }
    let texts = TEMPLATES
        .iter()
        .filter_map(|(path, text)| Some((path.strip_prefix("quickstart/")?, text.as_bytes())));
    write_new(dir, texts.chain([("digits.onnx", QUICKSTART_MODEL)]))?;
    say(&format!("sample      {}", shown.display()));
    Ok(())
}

/// The catalogue's base if its registry answers, else one of this machine's own Python.
fn base(context: &Context) -> Result<(String, &'static str)> {
    let known = context.catalogue.default_for("python", false);
    if let Some(known) = known
        && let Ok(Location::Registry(reference)) = known.reference.parse()
    {
        let client = context.registry(None)?;
        let platform = Platform::linux_amd64();
        let asked =
            async { tokio::time::timeout(REACH, client.image(&reference, &platform)).await };
        match context.runtime.block_on(asked) {
            Ok(Ok(_)) => return Ok((known.reference.clone(), "azureml-2019")),
            Ok(Err(error)) => {
                say(&format!("base        {} is out of reach: {error}", known.reference));
            }
            Err(_) => say(&format!(
                "base        {} did not answer within {} s",
                known.reference,
                REACH.as_secs()
            )),
        }
    }
    let python = own_python()?;
    say(&format!(
        "            using this machine's own Python {} and C library instead",
        python.version()
    ));
    let dir = context.cache.join("host-base").join(python.version());
    let policy = Policy { mtime: context.mtime()?, threads: context.threads };
    host_base::assemble(&python, Path::new("/"), &dir, policy, &*context.progress)?;
    Ok((format!("oci:{}", dir.display()), "current"))
}

fn own_python() -> Result<HostPython> {
    let path = outside::search_path().unwrap_or_default();
    let found: Vec<PathBuf> = std::env::split_paths(&path)
        .flat_map(|dir| ["python3", "python"].map(|name| dir.join(name)))
        .filter(|path| path.is_file())
        .collect();
    let mut last = None;
    for python in found {
        match HostPython::ask(&python) {
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

fn project(dir: &Path, base: String, policy: &str) -> ProjectArgs {
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
        policy: policy.to_owned(),
        allow: Vec::new(),
        platform: Platform::linux_amd64(),
        exclude_newer: None,
        interpreters: Vec::new(),
    }
}

/// The engine, or nothing where none answers: then the sample ends with the image.
fn engine(context: &Context) -> Result<Option<Engine>> {
    let host = outside::variable("DOCKER_HOST");
    match context.runtime.block_on(Engine::connect(host.as_deref())) {
        Ok(engine) => Ok(Some(engine)),
        Err(error) => {
            say(&format!("not run     {error}"));
            if let Some(hint) = error.hint() {
                say(&format!("            {hint}"));
            }
            Ok(None)
        }
    }
}

fn serve(context: &Context, dir: &Path, engine: Engine, image: &Image) -> Result<()> {
    let deployer = LocalDeployer::new(engine)?;
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
    let config = LocalConfig { port: None };
    let service = up(context, &deployer, image, name.clone(), config, BTreeMap::new(), &target)?;
    let sample = dir.join("sample.json");
    let data = fs::read(&sample).map_err(Failure::io("read", sample.display()))?;
    let asked = deployer.run(&name, data, "application/json", Duration::from_secs(60));
    let answer = context.runtime.block_on(asked)?;
    report(&service, &String::from_utf8_lossy(&answer.body), &sample);
    Ok(())
}

fn report(service: &Webservice, answer: &str, sample: &Path) {
    let uri = service.scoring_uri.as_deref().unwrap_or_default();
    say(&format!("service     {} is {}", service.name, service.state));
    say(&format!("scoring URI {uri}"));
    say(&format!("prediction  {}", answer.trim_end()));
    say(&format!(
        "ask again   curl -H 'Content-Type: application/json' -d @{} {uri}",
        sample.display()
    ));
    say(&format!("take away   mlpack service delete -n {}", service.name));
}
