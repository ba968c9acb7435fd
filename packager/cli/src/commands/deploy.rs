//! `mlpack model deploy` and `mlpack deploy`: an image becomes a service.

use std::collections::BTreeMap;
use std::time::Duration;

use mlpack_deploy::config::{LocalConfig, Scalar, parse_document};
use mlpack_deploy::{Deployment, DeploymentConfig, LocalDeployer, ServiceName, Webservice};
use mlpack_oci::{Image, Location};

use super::check::parse;
use super::packaging::{Destination, assemble, prepare, variables};
use crate::args::{DeployArgs, ModelDeployArgs, TargetArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::{output, outside};

/// `mlpack model deploy`
pub(crate) fn model(context: &Context, args: &ModelDeployArgs) -> Result<()> {
    let name: ServiceName = args.target.name.parse()?;
    let config = config(context, &args.target)?;
    // Before the long work: is there an engine, is the name free, is the port?
    let deployer = LocalDeployer::new(context.engine()?)?;
    context.runtime.block_on(deployer.check(&name, &config, args.target.overwrite))?;
    let destination = Destination { output: None, elsewhere: true, azure: Some(false) };
    let prepared = prepare(context, &args.project, args.lock_use, destination)?;
    warn_azure_only(context, prepared.azure_only);
    let location = Location::Engine { name: format!("{name}:latest") };
    let stage = context.stage(&location)?;
    let packaged = assemble(context, prepared, &stage)?;
    let image = &packaged.image;
    let service = up(context, &deployer, image, name, config, BTreeMap::new(), &args.target)?;
    output::result(context.format, &service, lines);
    Ok(())
}

/// `mlpack deploy`
pub(crate) fn run(context: &Context, args: &DeployArgs) -> Result<()> {
    let name: ServiceName = args.target.name.parse()?;
    let config = config(context, &args.target)?;
    let environment = variables(&args.environment_variables)?.into_iter().collect();
    let location = parse(&args.image)?;
    let deployer = LocalDeployer::new(context.engine()?)?;
    context.runtime.block_on(deployer.check(&name, &config, args.target.overwrite))?;
    warn_azure_only(
        context,
        context.catalogue.known(&location.to_string()).is_some_and(|known| known.azure_only),
    );
    let image = context.open(&location, &outside::platform(), None)?;
    let service = up(context, &deployer, &image, name, config, environment, &args.target)?;
    output::result(context.format, &service, lines);
    Ok(())
}

/// Loads the image and runs it until it answers.
pub(crate) fn up(
    context: &Context,
    deployer: &LocalDeployer,
    image: &Image,
    name: ServiceName,
    config: LocalConfig,
    environment: BTreeMap<String, String>,
    target: &TargetArgs,
) -> Result<Webservice> {
    let location = Location::Engine { name: format!("{name}:latest") };
    let image = context.put(image, &location, None)?;
    let deployment = Deployment {
        name,
        image,
        config,
        environment,
        overwrite: target.overwrite,
        timeout: Duration::from_secs(target.timeout),
    };
    Ok(context.runtime.block_on(deployer.deploy(&deployment, &*context.progress))?)
}

/// The deployment configuration with the flags on top; `local` if nothing says otherwise.
fn config(context: &Context, args: &TargetArgs) -> Result<LocalConfig> {
    if let Some(target) = &args.compute_target {
        return Err(Failure::usage(
            format!("--compute-target {target}: clusters are not deployed to yet"),
            "leave it out to deploy to the Docker engine of this machine",
        ));
    }
    let mut document = match &args.deploy_config {
        Some(path) => {
            let path = context.cwd.join(path);
            let text =
                std::fs::read_to_string(&path).map_err(Failure::io("read", path.display()))?;
            parse_document(&text, &path.display().to_string())?
        }
        None => parse_document("{}", "the command line")?,
    };
    if let Some(kind) = &args.compute_type {
        document.set("computeType", Scalar::quoted(kind));
    } else if args.deploy_config.is_none() {
        document.set("computeType", Scalar::quoted("local"));
    }
    if let Some(port) = args.port {
        document.set("port", Scalar::plain(port.to_string()));
    }
    Ok(DeploymentConfig::from_document(&document)?.local()?.clone())
}

fn warn_azure_only(context: &Context, azure_only: bool) {
    if azure_only {
        let text = "the licence of this base image allows it on Microsoft Azure services only; this deployment is elsewhere";
        output::warning(context.format, text);
    }
}

/// A service for people.
pub(crate) fn lines(service: &Webservice) -> String {
    let mut rows = vec![
        vec!["name".to_owned(), service.name.to_string()],
        vec!["state".to_owned(), service.state.to_string()],
        vec!["image".to_owned(), service.image_id.clone()],
    ];
    let mut add = |name: &str, value: &Option<String>| {
        if let Some(value) = value {
            rows.push(vec![name.to_owned(), value.clone()]);
        }
    };
    add("scoring URI", &service.scoring_uri);
    add("swagger URI", &service.swagger_uri);
    add("error", &service.error);
    output::table(&[], rows)
}
