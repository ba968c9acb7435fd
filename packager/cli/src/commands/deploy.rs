//! `mlpack model deploy` and `mlpack deploy`: an image becomes a service.

use std::collections::BTreeMap;
use std::time::Duration;

use mlpack_deploy::config::parse_document;
use mlpack_deploy::{Deployer, Deployment, DeploymentConfig, ServiceName, Webservice};
use mlpack_oci::Image;

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
    let deployer = context.deployer(&config, args.target.compute_target.as_deref())?;
    context.runtime.block_on(deployer.check(&name, args.target.overwrite))?;
    let destination = Destination { output: None, elsewhere: true, azure: Some(false) };
    let prepared = prepare(context, &args.project, args.lock_use, destination)?;
    warn_azure_only(context, prepared.azure_only);
    let stage = context.stage(&deployer.destination(&name))?;
    let packaged = assemble(context, prepared, &stage)?;
    let image = &packaged.image;
    let service = up(context, &*deployer, image, name, BTreeMap::new(), &args.target)?;
    output::result(context.format, &service, lines);
    Ok(())
}

/// `mlpack deploy`
pub(crate) fn run(context: &Context, args: &DeployArgs) -> Result<()> {
    let name: ServiceName = args.target.name.parse()?;
    let config = config(context, &args.target)?;
    let environment = variables(&args.environment_variables)?.into_iter().collect();
    let location = parse(&args.image)?;
    let deployer = context.deployer(&config, args.target.compute_target.as_deref())?;
    context.runtime.block_on(deployer.check(&name, args.target.overwrite))?;
    warn_azure_only(
        context,
        context.catalogue.known(&location.to_string()).is_some_and(|known| known.azure_only),
    );
    let image = context.open(&location, &outside::platform(), None)?;
    let service = up(context, &*deployer, &image, name, environment, &args.target)?;
    output::result(context.format, &service, lines);
    Ok(())
}

/// Loads the image and runs it until it answers.
pub(crate) fn up(
    context: &Context,
    deployer: &dyn Deployer,
    image: &Image,
    name: ServiceName,
    environment: BTreeMap<String, String>,
    target: &TargetArgs,
) -> Result<Webservice> {
    let image = context.put(image, &deployer.destination(&name), None)?;
    let deployment = Deployment {
        name,
        image,
        environment,
        overwrite: target.overwrite,
        timeout: Duration::from_secs(target.timeout),
    };
    Ok(context.runtime.block_on(deployer.deploy(&deployment, &*context.progress))?)
}

/// The deployment configuration with the flags on top; `local` if nothing says otherwise.
fn config(context: &Context, args: &TargetArgs) -> Result<DeploymentConfig> {
    let (mut document, place) = match &args.deploy_config {
        Some(path) => {
            let path = context.cwd.join(path);
            let text =
                std::fs::read_to_string(&path).map_err(Failure::io("read", path.display()))?;
            (parse_document(&text, &path.display().to_string())?, path.display().to_string())
        }
        None => (serde_json::Map::new(), "the command line".to_owned()),
    };
    if let Some(kind) = &args.compute_type {
        document.insert("computeType".to_owned(), kind.clone().into());
    } else if args.deploy_config.is_none() {
        document.insert("computeType".to_owned(), "local".into());
    }
    if let Some(port) = args.port {
        document.insert("port".to_owned(), port.into());
    }
    Ok(DeploymentConfig::from_document(&document, &place)?)
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
