//! Which models or services a list has.

use std::collections::BTreeMap;

use clap::Args;

/// Tags and properties that all of a list have.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct FilterArgs {
    /// Only those with this tag (can be repeated)
    #[arg(long = "tag", value_name = "KEY[=VALUE]")]
    tags: Vec<String>,
    /// Only those with this property (can be repeated)
    #[arg(long = "property", value_name = "KEY[=VALUE]")]
    properties: Vec<String>,
}

impl FilterArgs {
    /// Whether tags and properties match every filter.
    pub(crate) fn accepts(
        &self,
        tags: &BTreeMap<String, String>,
        properties: &BTreeMap<String, String>,
    ) -> bool {
        self.tags.iter().all(|filter| matches(filter, tags))
            && self.properties.iter().all(|filter| matches(filter, properties))
    }
}

fn matches(filter: &str, found: &BTreeMap<String, String>) -> bool {
    match filter.split_once('=') {
        Some((key, value)) => found.get(key).is_some_and(|found| found == value),
        None => found.contains_key(filter),
    }
}
