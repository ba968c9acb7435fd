//! One of several operating systems.

use serde::Deserialize;

use super::range::Range;
use super::{Judgement, Requirement, Stage};
use crate::base::{self, BaseFacts};

pub(super) const NEEDS: Stage = Stage::Layers;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Os {
    any: Vec<System>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct System {
    /// `ID` of os-release(5).
    id: String,
    /// Any version if there is none.
    version: Option<Range>,
}

impl Requirement for Os {
    fn judge(&self, facts: &BaseFacts) -> Judgement {
        let wanted = self.any.iter().map(|system| match &system.version {
            Some(range) => format!("{} {range}", system.id),
            None => system.id.clone(),
        });
        let wanted = wanted.collect::<Vec<_>>().join(" or ");
        let version = |os: &base::Os| os.version.clone().unwrap_or_default();
        let found = |os: &base::Os| format!("{} {}", os.id, version(os)).trim().to_owned();
        let met = |os: &base::Os| {
            self.any.iter().any(|system| {
                let range = system.version.as_ref();
                system.id == os.id && range.is_none_or(|range| range.contains(&version(os)))
            })
        };
        Judgement::of(wanted, facts.os.as_ref(), found, met)
    }
}
