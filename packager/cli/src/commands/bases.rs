//! `mlpack bases`: the catalogue.

use serde_json::json;

use crate::args::BasesArgs;
use crate::context::Context;
use crate::output;

pub(crate) fn run(context: &Context, _: &BasesArgs) {
    let catalogue = &context.catalogue;
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
            output::table(&["POLICY", "WHAT IT IS"], policies)
        )
    });
}
