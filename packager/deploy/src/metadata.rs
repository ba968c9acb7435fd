//! What people write about a service.

use std::collections::BTreeMap;

use mlpack_oci::labels;
use serde::Serialize;

/// Description, tags and properties of a service. Azure ML lets tags change and properties only be added
/// (docs/azureml-2019.md#5).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Metadata {
    /// One sentence or more.
    pub description: Option<String>,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
    /// Properties by key.
    pub properties: BTreeMap<String, String>,
}

impl Metadata {
    /// Returns the labels that hold it; none for what is empty.
    pub(crate) fn to_labels(&self) -> Vec<(&'static str, String)> {
        let object = |map: &BTreeMap<String, String>| {
            (!map.is_empty()).then(|| serde_json::to_string(map).unwrap_or_default())
        };
        let all = [
            (labels::DESCRIPTION, self.description.clone()),
            (labels::TAGS, object(&self.tags)),
            (labels::PROPERTIES, object(&self.properties)),
        ];
        all.into_iter().filter_map(|(label, text)| Some((label, text?))).collect()
    }

    /// Reads it from the labels of a service.
    pub(crate) fn of(found: &BTreeMap<String, String>) -> Self {
        let object = |label: &str| {
            let text = found.get(label).map_or("{}", String::as_str);
            serde_json::from_str(text).unwrap_or_default()
        };
        Self {
            description: found.get(labels::DESCRIPTION).cloned(),
            tags: object(labels::TAGS),
            properties: object(labels::PROPERTIES),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_hold_the_metadata() {
        let map = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
        let metadata = Metadata {
            description: Some("Digits".to_owned()),
            tags: map("stage", "test"),
            properties: map("team", "a=b"),
        };
        let labels = metadata.to_labels();
        let labels = labels.into_iter().map(|(label, text)| (label.to_owned(), text)).collect();
        assert_eq!(Metadata::of(&labels), metadata);
        assert_eq!(Metadata::default().to_labels(), []);
        assert_eq!(Metadata::of(&BTreeMap::new()), Metadata::default());
    }
}
