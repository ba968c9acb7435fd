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
        let met = |found: &String| self.version.contains(found);
        Judgement::of(self.version.to_string(), facts.glibc.as_ref(), Clone::clone, met)
    }
}
