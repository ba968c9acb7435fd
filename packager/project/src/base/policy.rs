//! Policies: what is demanded of a base image. They are data, in `base-images/policies`.

use std::str::FromStr as _;

use pep440_rs::{Version, VersionSpecifiers};
use serde::{Deserialize, Serialize};

use super::facts::{BaseFacts, Evidence};
use crate::{Error, Result};

/// A named list of requirements.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// As `--policy` names it.
    pub name: String,
    /// One sentence.
    pub about: String,
    /// Where its rules come from.
    pub source: String,
    /// In the order they are held against a base.
    pub requirements: Vec<Requirement>,
}

/// One requirement.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "id", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Requirement {
    /// One of several operating systems.
    Os {
        /// Any of these will do.
        any: Vec<OsRange>,
        /// What the user can do.
        remedy: String,
    },
    /// A conda of some version.
    Conda {
        /// Such as `>=4.5`.
        version: String,
        /// Whether it has to be there at all.
        presence: Presence,
        /// What the user can do.
        remedy: String,
    },
    /// A Python on `PATH`.
    Python {
        /// Minor versions, as in `3.6`.
        #[serde(default)]
        versions: Vec<String>,
        /// Or a range, such as `>=3.8`.
        version: Option<String>,
        /// What the user can do.
        remedy: String,
    },
    /// A GNU C library.
    Glibc {
        /// Such as `>=2.28`.
        version: String,
        /// What the user can do.
        remedy: String,
    },
    /// One of several architectures.
    Architecture {
        /// As Go names them.
        any: Vec<String>,
        /// What the user can do.
        remedy: String,
    },
}

/// An operating system and the versions of it that will do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OsRange {
    id: String,
    version: Option<String>,
}

/// Whether something has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// It has to.
    Required,
    /// Only if it is there does its version count.
    IfPresent,
}

/// How a requirement came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It holds.
    Met,
    /// It does not.
    Failed,
    /// Nothing to hold it against, and none needed.
    NotApplicable,
    /// Not held against anything: another requirement failed before a layer was read.
    Open,
}

/// One requirement held against one base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// `os`, `conda`, `python`, `glibc`, `architecture`; what `--allow` names.
    pub requirement: String,
    /// How it came out.
    pub status: Status,
    /// What was found.
    pub found: String,
    /// What is wanted.
    pub wanted: String,
    /// Where it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// What the user can do; only for a failed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Policy {
    /// Reads a policy and checks its ranges, so that a verdict never has to.
    ///
    /// # Errors
    /// [`Error::Data`] with what is wrong where.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let bad = |reason: String| Error::Data { what: "policy", name: name.to_owned(), reason };
        let policy: Self = serde_yaml::from_str(text).map_err(|error| bad(error.to_string()))?;
        for requirement in &policy.requirements {
            let ranges: Vec<&String> = match requirement {
                Requirement::Os { any, .. } => {
                    any.iter().filter_map(|os| os.version.as_ref()).collect()
                }
                Requirement::Conda { version, .. } | Requirement::Glibc { version, .. } => {
                    vec![version]
                }
                Requirement::Python { version, .. } => version.iter().collect(),
                Requirement::Architecture { .. } => Vec::new(),
            };
            for range in ranges {
                VersionSpecifiers::from_str(range)
                    .map_err(|error| bad(format!("`{range}`: {error}")))?;
            }
        }
        Ok(policy)
    }

    /// Names of the requirements, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.requirements.iter().map(Requirement::name)
    }

    /// Holds every requirement against a base, in order.
    pub fn judge(&self, facts: &BaseFacts) -> Vec<Verdict> {
        self.requirements.iter().map(|requirement| requirement.judge(facts)).collect()
    }

    /// Holds against a base what its config alone decides; the rest stays open. What fails here
    /// fails whatever the layers hold, so none of them need be fetched.
    pub fn judge_config(&self, facts: &BaseFacts) -> Vec<Verdict> {
        let judge = |requirement: &Requirement| {
            let verdict = requirement.judge(facts);
            match requirement {
                Requirement::Architecture { .. } => verdict,
                _ => Verdict {
                    status: Status::Open,
                    found: "not read".to_owned(),
                    evidence: None,
                    remedy: None,
                    ..verdict
                },
            }
        };
        self.requirements.iter().map(judge).collect()
    }
}

impl Requirement {
    /// As verdicts and `--allow` name it.
    fn name(&self) -> &'static str {
        match self {
            Self::Os { .. } => "os",
            Self::Conda { .. } => "conda",
            Self::Python { .. } => "python",
            Self::Glibc { .. } => "glibc",
            Self::Architecture { .. } => "architecture",
        }
    }

    fn judge(&self, facts: &BaseFacts) -> Verdict {
        let (wanted, remedy, outcome) = match self {
            Self::Os { any, remedy } => {
                let wanted = any.iter().map(|os| {
                    [os.id.as_str(), os.version.as_deref().unwrap_or("")]
                        .join(" ")
                        .trim()
                        .to_owned()
                });
                let outcome = facts.os.as_ref().map(|fact| {
                    let version = fact.value.version.clone().unwrap_or_default();
                    let met = any.iter().any(|os| {
                        os.id == fact.value.id
                            && os.version.as_ref().is_none_or(|range| within(&version, range))
                    });
                    (
                        met,
                        format!("{} {version}", fact.value.id).trim().to_owned(),
                        fact.evidence.clone(),
                    )
                });
                (wanted.collect::<Vec<_>>().join(" or "), remedy, outcome)
            }
            Self::Conda { version, presence, remedy } => {
                if facts.conda.is_empty() && *presence == Presence::IfPresent {
                    return Verdict {
                        requirement: self.name().to_owned(),
                        status: Status::NotApplicable,
                        found: "none".to_owned(),
                        wanted: format!("{version} where there is one"),
                        evidence: None,
                        remedy: None,
                    };
                }
                let outcome = facts.conda.first().map(|fact| {
                    let found = format!("{} at {}", fact.value.version, fact.value.root);
                    (within(&fact.value.version, version), found, fact.evidence.clone())
                });
                (version.clone(), remedy, outcome)
            }
            Self::Python { versions, version, remedy } => {
                let wanted = version.clone().into_iter().chain(versions.iter().cloned());
                let outcome = facts.python().map(|fact| {
                    let found = fact.value.version;
                    let met = versions.contains(&found.minor_text())
                        || version.as_ref().is_some_and(|range| within(&found.to_string(), range));
                    (met, format!("{found} at {}", fact.value.path), fact.evidence.clone())
                });
                (wanted.collect::<Vec<_>>().join(" or "), remedy, outcome)
            }
            Self::Glibc { version, remedy } => {
                let outcome = facts.glibc.as_ref().map(|fact| {
                    (within(&fact.value, version), fact.value.clone(), fact.evidence.clone())
                });
                (version.clone(), remedy, outcome)
            }
            Self::Architecture { any, remedy } => {
                let fact = &facts.architecture;
                let outcome =
                    (any.contains(&fact.value), fact.value.clone(), fact.evidence.clone());
                (any.join(" or "), remedy, Some(outcome))
            }
        };
        let (met, found, evidence) = outcome
            .map_or((false, "none".to_owned(), None), |(met, found, proof)| {
                (met, found, Some(proof))
            });
        Verdict {
            requirement: self.name().to_owned(),
            status: if met { Status::Met } else { Status::Failed },
            found,
            wanted,
            evidence,
            remedy: (!met).then(|| remedy.clone()),
        }
    }
}

/// Versions of systems and tools compare as PEP 440 compares releases: number by number.
fn within(version: &str, range: &str) -> bool {
    match (Version::from_str(version), VersionSpecifiers::from_str(range)) {
        (Ok(version), Ok(range)) => range.contains(&version),
        _ => false,
    }
}
