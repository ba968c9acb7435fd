//! `mlpack bases`: lists the catalogue.

use serde_json::json;

use crate::args::RegistryArgs;
use crate::context::Context;
use crate::failure::Result;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  mlpack bases
  mlpack bases --format json";

/// List known base images and policies
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {}

pub(super) fn run(context: &Context, _: &Args) -> Result<()> {
    let catalogue = context.session(&RegistryArgs::default())?.catalogue;
    let policies: Vec<_> = catalogue
        .policies
        .iter()
        .map(
            |policy| json!({ "name": policy.name, "about": policy.about, "source": policy.source }),
        )
        .collect();
    let value = json!({ "images": catalogue.images, "policies": policies });
    output::result(context.format, &value, |_| {
        let images = catalogue.images.iter().map(|image| {
            let default = image.default_for.iter().map(|used| {
                format!("default for {}{}", used.runtime, if used.gpu { " with GPU" } else { "" })
            });
            let azure = image.azure_only.then(|| "Azure only".to_owned());
            let remarks: Vec<_> = default.chain(azure).collect();
            vec![image.name.clone(), image.reference.clone(), remarks.join(", ")]
        });
        let policies =
            catalogue.policies.iter().map(|policy| vec![policy.name.clone(), policy.about.clone()]);
        format!(
            "{}\n\n{}",
            output::table(&["IMAGE", "REFERENCE", "REMARKS"], images),
            output::table(&["POLICY", "DESCRIPTION"], policies)
        )
    });
    Ok(())
}
