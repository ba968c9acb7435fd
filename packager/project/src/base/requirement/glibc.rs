//! A version of the GNU C library.

use serde::Deserialize;

use super::range::Range;
use super::{Judgement, Requirement, Stage};
use crate::base::BaseFacts;

pub(super) const NEEDS: Stage = Stage::Layers;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Glibc {
    version: Range,
}

impl Requirement for Glibc {
    fn judge(&self, facts: &BaseFacts) -> Judgement {
        let met = |found: &mlpack_requirements::Glibc| self.version.contains(&found.to_string());
        Judgement::of(self.version.to_string(), facts.glibc.as_ref(), ToString::to_string, met)
    }
}
