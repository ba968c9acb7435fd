//! Where pip and conda packages come from.

use mlpack_packages::Settings;
use mlpack_requirements::{IndexUrl, Indexes};

use super::{conda, is_on, search_path, variable, variables};
use crate::failure::{Failure, Result};

/// Adds how packages are resolved and downloaded, from the variables of uv, pip and conda.
pub(crate) fn packages(mut settings: Settings) -> Result<Settings> {
    settings.uv = variable("MLPACK_UV").map(Into::into);
    settings.search_path = search_path();
    settings.conda = conda::settings()?;
    settings.variables = variables().collect();
    settings.indexes = indexes()?;
    Ok(settings)
}

fn indexes() -> Result<Indexes> {
    let first =
        |names: &[&'static str]| names.iter().find_map(|name| Some((*name, variable(name)?)));
    let main = first(&["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"]);
    let extra = first(&["UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL"]);
    Ok(Indexes {
        index: main.map(|(name, text)| index(name, &text)).transpose()?,
        extra: match extra {
            Some((name, text)) => {
                text.split_whitespace().map(|text| index(name, text)).collect::<Result<_>>()?
            }
            None => Vec::new(),
        },
        find_links: variable("UV_FIND_LINKS")
            .or_else(|| variable("PIP_FIND_LINKS"))
            .map(|text| text.split([' ', ',']).map(str::to_owned).collect())
            .unwrap_or_default(),
        no_index: is_on("UV_NO_INDEX") || is_on("PIP_NO_INDEX"),
    })
}

fn index(name: &str, text: &str) -> Result<IndexUrl> {
    text.parse().map_err(|error| {
        Failure::usage(format!("{name} is not a URL: {error}"), "write it as https://HOST/simple")
    })
}
