//! What a container group says about the service that it is: pieces of a JSON document in its tags, which are short.

use std::collections::BTreeMap;

use mlpack_oci::labels;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::DeploymentConfig;
use crate::image_facts::ImageFacts;
use crate::options::TargetOptions;

/// The longest value of a tag, in characters (Azure Resource Manager, "Use tags").
pub(super) const MAX_TAG: usize = 256;

/// What the names of the pieces begin with.
const PIECE: &str = "org.mlpack.record.";

/// What the names of mlpack's own tags begin with.
const OWN: &str = "org.mlpack.";

/// Whether a tag is a piece of a record.
pub(super) fn is_piece(name: &str) -> bool {
    name.starts_with(PIECE)
}

/// What a service was deployed with, without its secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    /// The deployment configuration.
    pub(super) config: Value,
    #[serde(default)]
    pub(super) options: TargetOptions,
    #[serde(default)]
    pub(super) facts: ImageFacts,
    /// Whether the image is pulled with a login, which Azure does not give back.
    #[serde(default)]
    pub(super) pull_login: bool,
}

impl Record {
    pub(super) fn new(
        config: &DeploymentConfig,
        options: &TargetOptions,
        facts: &ImageFacts,
        pull_login: bool,
    ) -> Self {
        Self {
            config: serde_json::to_value(config).unwrap_or_default(),
            options: options.clone(),
            facts: facts.recorded(),
            pull_login,
        }
    }

    /// Returns the tags that hold it.
    pub(super) fn to_tags(&self) -> Vec<(String, String)> {
        let text: Vec<char> = serde_json::to_string(self).unwrap_or_default().chars().collect();
        let pieces = text.chunks(MAX_TAG).enumerate();
        pieces
            .map(|(number, piece)| (format!("{PIECE}{number:02}"), piece.iter().collect()))
            .collect()
    }

    /// Reads it from the tags of a group. The error says why it cannot be read.
    pub(super) fn of(tags: &BTreeMap<String, String>) -> Result<Self, String> {
        let pieces = tags.iter().filter(|(name, _)| is_piece(name));
        let text: String = pieces.map(|(_, piece)| piece.as_str()).collect();
        match text.is_empty() {
            true => Err(format!("there is no `{PIECE}00`")),
            false => serde_json::from_str(&text).map_err(|error| error.to_string()),
        }
    }
}

/// Returns tags in the form that labels have on this machine: the service's own are one JSON object.
pub(super) fn as_labels(tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let (mut found, mut others) = (BTreeMap::new(), BTreeMap::new());
    for (name, text) in tags {
        let target = if name.starts_with(OWN) { &mut found } else { &mut others };
        target.insert(name.clone(), text.clone());
    }
    found.insert(labels::TAGS.to_owned(), serde_json::to_string(&others).unwrap_or_default());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_hold_a_record_of_any_length() {
        let config =
            DeploymentConfig::parse("computeType: aci\nlocation: westeurope", "dc").unwrap();
        let mut facts = ImageFacts { architecture: "amd64".to_owned(), ..ImageFacts::default() };
        facts.labels.insert(labels::FRONT_DOOR.to_owned(), "ü".repeat(3 * MAX_TAG));
        let record = Record::new(&config, &TargetOptions::default(), &facts, true);
        let tags = record.to_tags();
        assert!(tags.len() > 3 && tags.iter().all(|(_, text)| text.chars().count() <= MAX_TAG));
        let read = Record::of(&tags.into_iter().collect()).unwrap();
        assert_eq!((read.facts, read.config, read.pull_login), (facts, record.config, true));
        assert_eq!(Record::of(&BTreeMap::new()).unwrap_err(), "there is no `org.mlpack.record.00`");
    }

    #[test]
    fn tags_of_the_service_are_those_that_are_not_of_mlpack() {
        let tags = [("stage", "test"), ("org.mlpack.service", "digits")];
        let tags = tags.map(|(key, text)| (key.to_owned(), text.to_owned())).into();
        let metadata = crate::Metadata::of(&as_labels(&tags));
        assert_eq!(metadata.tags, [("stage".to_owned(), "test".to_owned())].into());
    }
}
