//! One of several architectures.

use serde::Deserialize;

use super::{Judgement, Requirement, Stage};
use crate::base::BaseFacts;

pub(super) const NEEDS: Stage = Stage::Config;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Architecture {
    /// As Go and OCI name them.
    any: Vec<String>,
}

impl Requirement for Architecture {
    fn judge(&self, facts: &BaseFacts) -> Judgement {
        let fact = Some(&facts.architecture);
        Judgement::of(self.any.join(" or "), fact, Clone::clone, |found| self.any.contains(found))
    }
}
