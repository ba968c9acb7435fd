//! Policies: lists of requirements that a base image has to meet. They are data, in
//! `base-images/policies`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_yaml::{Mapping, Value};

use super::fact::Evidence;
use super::facts::BaseFacts;
use super::requirement::{KINDS, Kind, Requirement, Stage, Status};
use crate::{Error, Result};

/// A named list of requirements.
#[derive(Debug, Clone)]
pub struct Policy {
    /// As `--policy` names it.
    pub name: String,
    /// One sentence.
    pub about: String,
    /// Where its rules come from.
    pub source: String,
    /// In the order in which verdicts are reported.
    rules: Vec<Rule>,
}

/// One requirement of a policy.
#[derive(Debug, Clone)]
struct Rule {
    kind: Kind,
    requirement: Arc<dyn Requirement>,
    hint: String,
}

/// A policy as its file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    name: String,
    about: String,
    source: String,
    requirements: Vec<Mapping>,
}

/// How a base meets one requirement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// `os`, `conda`, `python`, `glibc`, `architecture`; what `--allow` names.
    pub requirement: String,
    /// How it came out.
    pub status: Status,
    /// What was found.
    pub found: String,
    /// The requirement.
    pub wanted: String,
    /// Where it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// What the user can do about a failed requirement. Images of earlier versions call it
    /// `remedy`.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "remedy")]
    pub hint: Option<String>,
}

impl Policy {
    /// Parses a policy and its ranges.
    ///
    /// # Errors
    /// [`Error::Data`] with the reason.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let invalid = |reason| Error::Data { what: "policy", name: name.to_owned(), reason };
        let document: Document =
            serde_yaml::from_str(text).map_err(|error| invalid(error.to_string()))?;
        let Document { name: title, about, source, requirements } = document;
        let rules = requirements.into_iter().map(Rule::parse).collect::<Result<_, _>>();
        Ok(Self { name: title, about, source, rules: rules.map_err(invalid)? })
    }

    /// Names of the requirements, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.rules.iter().map(|rule| rule.kind.id)
    }

    /// Judges a base by what has been read of it. Requirements that have to read more stay open:
    /// what fails by the config fails whatever the layers contain, so that none need be fetched.
    pub fn judge(&self, stage: Stage, facts: &BaseFacts) -> Vec<Verdict> {
        self.rules.iter().map(|rule| rule.judge(stage, facts)).collect()
    }

    /// Returns whether a base whose layers have been read meets all requirements.
    pub fn accepts(&self, facts: &BaseFacts) -> bool {
        let verdicts = self.judge(Stage::Layers, facts);
        verdicts.iter().all(|verdict| verdict.status != Status::Failed)
    }
}

impl Rule {
    fn parse(mut fields: Mapping) -> Result<Self, String> {
        let mut text = |key: &str| match fields.remove(key) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(format!("a requirement has no `{key}`")),
        };
        let id = text("id")?;
        let hint = text("hint")?;
        let kind = KINDS.iter().find(|kind| kind.id == id);
        let kind = *kind.ok_or_else(|| format!("unknown requirement `{id}`"))?;
        let requirement = (kind.parse)(Value::Mapping(fields))
            .map_err(|error| format!("requirement `{id}`: {error}"))?;
        Ok(Self { kind, requirement: requirement.into(), hint })
    }

    fn judge(&self, stage: Stage, facts: &BaseFacts) -> Verdict {
        let judgement = self.requirement.judge(facts);
        let verdict = Verdict {
            requirement: self.kind.id.to_owned(),
            status: Status::Open,
            found: "not read".to_owned(),
            wanted: judgement.wanted,
            evidence: None,
            hint: None,
        };
        if self.kind.needs > stage {
            return verdict;
        }
        Verdict {
            status: judgement.status,
            found: judgement.found,
            evidence: judgement.evidence,
            hint: (judgement.status == Status::Failed).then(|| self.hint.clone()),
            ..verdict
        }
    }
}

#[cfg(test)]
mod tests {
    use mlpack_oci::Digest;

    use super::*;
    use crate::base::{Fact, Os};

    fn fact<T>(value: T) -> Fact<T> {
        Fact { value, evidence: Evidence { digest: Digest::of(b""), path: "/x".to_owned() } }
    }

    fn facts(os: &str, version: &str) -> BaseFacts {
        let (id, version) = (os.to_owned(), Some(version.to_owned()));
        BaseFacts {
            os: Some(fact(Os { id, version, name: None })),
            architecture: fact("amd64".to_owned()),
            glibc: None,
            conda: Vec::new(),
            pythons: Vec::new(),
            cuda: None,
            spark: None,
            user: fact(String::new()),
            entrypoint: fact(Vec::new()),
            env: Vec::new(),
        }
    }

    fn policy(requirements: &str) -> Result<Policy> {
        let text = format!("name: p\nabout: a\nsource: s\nrequirements:\n{requirements}");
        Policy::parse("p.yaml", &text)
    }

    #[test]
    fn each_requirement_is_judged_once_its_facts_are_read() {
        let policy = policy(
            "- {id: os, any: [{id: ubuntu, version: '>=18'}, {id: debian}], hint: h}
- {id: conda, version: '>=4.5', presence: if-present, hint: h}
- {id: python, versions: ['3.6'], version: '>=3.8', hint: h}
- {id: architecture, any: [amd64, arm64], hint: h}
",
        )
        .unwrap();
        let outcome = |stage, facts: &BaseFacts| -> Vec<_> {
            let verdicts = policy.judge(stage, facts).into_iter();
            verdicts.map(|v| (v.requirement, v.status, v.found, v.wanted, v.hint)).collect()
        };
        let verdict = |id: &str, status, found: &str, wanted: &str| {
            let hint = (status == Status::Failed).then(|| "h".to_owned());
            (id.to_owned(), status, found.to_owned(), wanted.to_owned(), hint)
        };
        let architecture = verdict("architecture", Status::Met, "amd64", "amd64 or arm64");
        assert_eq!(
            outcome(Stage::Layers, &facts("ubuntu", "16.04")),
            [
                verdict("os", Status::Failed, "ubuntu 16.04", "ubuntu >=18 or debian"),
                verdict("conda", Status::NotApplicable, "none", ">=4.5 where there is one"),
                verdict("python", Status::Failed, "none", ">=3.8 or 3.6"),
                architecture.clone(),
            ]
        );
        assert_eq!(
            outcome(Stage::Config, &facts("debian", "12")),
            [
                verdict("os", Status::Open, "not read", "ubuntu >=18 or debian"),
                verdict("conda", Status::Open, "not read", ">=4.5 where there is one"),
                verdict("python", Status::Open, "not read", ">=3.8 or 3.6"),
                architecture,
            ]
        );
    }

    #[test]
    fn a_policy_that_accepts() {
        let debian = policy("- {id: os, any: [{id: debian}], hint: h}\n").unwrap();
        assert!(debian.accepts(&facts("debian", "12")));
        assert!(!debian.accepts(&facts("alpine", "3.20")));
    }

    #[test]
    fn invalid_policies() {
        for (requirement, reason) in [
            ("- {id: os, any: []}\n", "a requirement has no `hint`"),
            ("- {id: curl, hint: h}\n", "unknown requirement `curl`"),
            ("- {id: glibc, version: new, hint: h}\n", "requirement `glibc`: "),
            ("- {id: architecture, any: [], all: [], hint: h}\n", "requirement `architecture`: "),
        ] {
            let error = policy(requirement).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
