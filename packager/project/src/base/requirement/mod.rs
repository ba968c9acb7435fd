//! What a policy can require of a base image: one file per requirement, whose name is its id, and
//! one ordered list. A requirement declares what it reads, parses its own fields of the policy's
//! YAML and judges a base.

mod architecture;
mod conda;
mod glibc;
mod os;
mod python;
mod range;

use std::fmt::Debug;

use serde::{Deserialize, Serialize};
use serde_yaml::Value;

use super::fact::{Evidence, Fact};
use super::facts::BaseFacts;

/// What has been read of a base, and what a requirement has to read. Layers include the config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The image's config.
    Config,
    /// Its layers too.
    Layers,
}

/// How a requirement came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The base meets it.
    Met,
    /// The base does not meet it.
    Failed,
    /// It does not concern this base.
    NotApplicable,
    /// It was not judged: another requirement failed before any layer was read.
    Open,
}

/// A requirement as a policy sets it.
pub(super) trait Requirement: Debug + Send + Sync {
    /// Judges a base.
    fn judge(&self, facts: &BaseFacts) -> Judgement;
}

/// How a requirement came out, and why.
#[derive(Debug)]
pub(super) struct Judgement {
    pub(super) status: Status,
    pub(super) found: String,
    pub(super) wanted: String,
    pub(super) evidence: Option<Evidence>,
}

/// A kind of requirement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// As policies and `--allow` name it.
    pub(super) id: &'static str,
    /// What it has to read.
    pub(super) needs: Stage,
    /// Parses its fields of a policy, without `id` and `hint`.
    pub(super) parse: fn(Value) -> serde_yaml::Result<Box<dyn Requirement>>,
}

macro_rules! kinds {
    ($($name:ident: $type:ty),* $(,)?) => {
        &[$(Kind {
            id: stringify!($name),
            needs: $name::NEEDS,
            parse: |fields| Ok(Box::new(serde_yaml::from_value::<$type>(fields)?)),
        }),*]
    };
}

/// All kinds of requirements.
pub(super) const KINDS: &[Kind] = kinds![
    architecture: architecture::Architecture,
    os: os::Os,
    glibc: glibc::Glibc,
    conda: conda::Conda,
    python: python::Python,
];

impl Judgement {
    /// Returns the judgement of a fact that the base has or lacks: `found` describes it, `met`
    /// decides.
    fn of<T>(
        wanted: String,
        fact: Option<&Fact<T>>,
        found: impl Fn(&T) -> String,
        met: impl Fn(&T) -> bool,
    ) -> Self {
        let Some(Fact { value, evidence }) = fact else {
            let found = "none".to_owned();
            return Self { status: Status::Failed, found, wanted, evidence: None };
        };
        let status = if met(value) { Status::Met } else { Status::Failed };
        Self { status, found: found(value), wanted, evidence: Some(evidence.clone()) }
    }
}
