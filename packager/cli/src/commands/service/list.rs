//! `mlpack service list`.

use mlpack_deploy::Webservice;
use serde_json::json;

use super::Common;
use crate::args::FilterArgs;
use crate::context::Context;
use crate::failure::Result;
use crate::render;

const EXAMPLES: &str = "\
Examples:
  mlpack service list
  mlpack service list --model-name digits --tag stage=test
  mlpack service list --query '[].scoringUri' -o tsv";

/// List all services of this machine, or of a cluster
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Only services with this image
    #[arg(long, value_name = "DIGEST")]
    image_digest: Option<String>,
    /// Only services with this model, NAME:VERSION
    #[arg(long, value_name = "ID")]
    model_id: Option<String>,
    /// Only services with a version of this model
    #[arg(long, value_name = "NAME")]
    model_name: Option<String>,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    common: Common,
}

impl Args {
    fn accepts(&self, service: &Webservice) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(found))
        };
        let models = &service.models;
        let id = self.model_id.as_ref();
        let name = self.model_name.as_ref();
        is(&self.common.target.cluster.compute_type, service.compute_type)
            && is(&self.image_digest, &service.image_digest)
            && id.is_none_or(|id| models.iter().any(|model| model.id() == *id))
            && name.is_none_or(|name| models.iter().any(|model| model.name == *name))
            && self.filter.accepts(&service.metadata.tags, &service.metadata.properties)
    }
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let mut target = args.common.target.target();
    // Of another type there is none here.
    let kinds = ["aks", "aci"];
    target.compute_type = target.compute_type.filter(|kind| kinds.contains(&kind.as_str()));
    let services = args.common.open_target(context, &target)?;
    let mut found = services.session.runtime.block_on(services.deployer.list())?;
    found.retain(|service| args.accepts(service));
    let now = &services.session.now;
    args.common.output.print(context.format, &json!(found), |_| render::services(&found, now))
}
