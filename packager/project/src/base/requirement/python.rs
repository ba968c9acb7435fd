//! A version of the Python that `PATH` finds.

use serde::Deserialize;

use super::range::Range;
use super::{Judgement, Requirement, Stage};
use crate::base::{BaseFacts, Interpreter};

pub(super) const NEEDS: Stage = Stage::Layers;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Python {
    /// Minor versions, as in `3.6`.
    #[serde(default)]
    versions: Vec<String>,
    /// Or a range, such as `>=3.8`.
    version: Option<Range>,
}

impl Requirement for Python {
    fn judge(&self, facts: &BaseFacts) -> Judgement {
        let range = self.version.iter().map(ToString::to_string);
        let wanted: Vec<String> = range.chain(self.versions.iter().cloned()).collect();
        let found = |python: &Interpreter| format!("{} at {}", python.version, python.path);
        let met = |python: &Interpreter| {
            self.versions.contains(&python.version.minor_text())
                || self
                    .version
                    .as_ref()
                    .is_some_and(|range| range.contains(&python.version.to_string()))
        };
        Judgement::of(wanted.join(" or "), facts.python(), found, met)
    }
}
