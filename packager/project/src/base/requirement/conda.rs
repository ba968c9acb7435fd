//! A version of conda.

use serde::Deserialize;

use super::range::Range;
use super::{Judgement, Requirement, Stage, Status};
use crate::base::{self, BaseFacts};

pub(super) const NEEDS: Stage = Stage::Layers;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Conda {
    version: Range,
    presence: Presence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Presence {
    Required,
    /// A base without conda is accepted.
    IfPresent,
}

impl Requirement for Conda {
    fn judge(&self, facts: &BaseFacts) -> Judgement {
        if facts.conda.is_empty() && self.presence == Presence::IfPresent {
            return Judgement {
                status: Status::NotApplicable,
                found: "none".to_owned(),
                wanted: format!("{} where there is one", self.version),
                evidence: None,
            };
        }
        let found = |conda: &base::Conda| format!("{} at {}", conda.version, conda.root);
        let met = |conda: &base::Conda| self.version.contains(&conda.version);
        Judgement::of(self.version.to_string(), facts.conda.first(), found, met)
    }
}
