//! The base image: selected, read, and checked against a policy.

use std::sync::Arc;

use mlpack_oci::rootfs::RootFs;
use mlpack_oci::{BlobStore, CachingBlobs, Digest, Image, Location, Platform};
use mlpack_project::base::{BaseFacts, FactLine, Policy, Stage, Status, Verdict};
use mlpack_project::check::CHECKS;
use mlpack_project::image::{Base, FRONT_DOOR, PolicyRecord, Record};
use mlpack_project::project::Project;
use serde::Serialize;

use crate::{Argument, ProjectRequest, Refusal, Result, Session};

/// A base image to check against a policy.
#[derive(Debug, Clone)]
pub struct Request {
    /// The image.
    pub image: String,
    /// The policy.
    pub policy: String,
    /// Platform to select from a multi-platform image.
    pub platform: Platform,
}

/// What a base image contains and how it compares with a policy.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The image as given.
    pub image: String,
    /// Digest of its manifest.
    pub digest: Digest,
    /// What it contains.
    pub facts: Vec<FactLine>,
    /// The policy.
    pub policy: String,
    /// One per requirement.
    pub verdicts: Vec<Verdict>,
    /// Whether no requirement failed.
    pub passed: bool,
    /// Why the policy refuses it.
    #[serde(skip)]
    pub refusal: Option<Refusal>,
}

/// Checks a base image against a policy. Layers are read only if the image's configuration passes.
///
/// # Errors
/// If there is no such policy or image.
pub fn check(session: &Session, request: Request) -> Result<Report> {
    let policy = session.catalogue.policy(&request.policy)?;
    let location = session.locate(&request.image)?;
    let image = session.open(&location, &request.platform, None)?;
    let digest = image.digest;
    let mut facts = BaseFacts::of_config(&image);
    let mut verdicts = policy.judge(Stage::Config, &facts);
    let mut complete = false;
    if !failed(&verdicts) {
        facts = read(session, &location, image)?.facts;
        verdicts = policy.judge(Stage::Layers, &facts);
        complete = true;
    }
    let passed = !failed(&verdicts);
    let refusal = (!passed).then(|| {
        let facts = complete.then_some(&facts);
        refusal(session, policy, &verdicts, facts, "use another base image")
    });
    Ok(Report {
        image: request.image,
        digest,
        facts: facts.lines(),
        policy: policy.name.clone(),
        verdicts,
        passed,
        refusal,
    })
}

/// The base of a project, accepted by its policy.
pub(crate) struct Selected {
    pub(crate) base: Base,
    pub(crate) policy: PolicyRecord,
    /// Whether its licence allows it on Azure only.
    pub(crate) azure_only: bool,
}

/// Finds and reads the base of a project and checks it against the policy. Layers that are read
/// from a registry are kept in `keep`.
pub(crate) fn select(
    session: &Session,
    request: &ProjectRequest,
    project: &Project,
    keep: Option<&BlobStore>,
) -> Result<Selected> {
    let policy = session.catalogue.policy(&request.policy)?;
    known_allowances(policy, &request.allow)?;
    let reference = match project.base_reference() {
        Some(reference) => reference,
        None => default_reference(session, project)?,
    };
    let azure_only = session.catalogue.known(&reference).is_some_and(|known| known.azure_only);
    let location = session.locate(&reference)?;
    let mut image = session.open(&location, &request.platform, project.registry.as_ref())?;
    let accept = |verdicts: &[Verdict], facts: Option<&BaseFacts>| {
        if !verdicts.iter().any(|verdict| is_failed(verdict) && !is_allowed(request, verdict)) {
            return Ok(());
        }
        session.reporter.verdicts(&reference, verdicts);
        let way_out = "use another base image, ignore a requirement by name with --allow";
        Err(refusal(session, policy, verdicts, facts, way_out))
    };
    accept(&policy.judge(Stage::Config, &BaseFacts::of_config(&image)), None)?;
    if let (Some(store), Location::Registry(_)) = (keep, &location) {
        image.blobs = Arc::new(CachingBlobs::new(image.blobs, store.clone()));
    }
    let base = read(session, &location, image)?;
    if base.root.find(FRONT_DOOR.trim_start_matches('/')).is_some() {
        let base = Record::of(&base.image).and_then(|record| record.base.name);
        return Err(Refusal::OwnImage { image: reference, base }.into());
    }
    let verdicts = policy.judge(Stage::Layers, &base.facts);
    accept(&verdicts, Some(&base.facts))?;
    let allowed: Vec<String> = names_of_failed(&verdicts);
    for name in &allowed {
        session.reporter.warning(&format!(
            "the base image fails the requirement `{name}` of policy `{}`, ignored by --allow",
            policy.name
        ));
    }
    let policy = PolicyRecord { name: policy.name.clone(), verdicts, allowed };
    Ok(Selected { base, policy, azure_only })
}

/// Reads the layers of a base, those that are not in the cache.
fn read(session: &Session, location: &Location, image: Image) -> Result<Base> {
    let indexes = session.indexes(&image)?;
    let root = RootFs::merge(&indexes);
    let encodings = indexes.iter().map(|index| index.encoding).collect();
    let facts = BaseFacts::read(&image, &root);
    // Images record only names that lead to the same base on another machine.
    let name = match location {
        Location::Registry(reference) => Some(reference.to_string()),
        _ => None,
    };
    Ok(Base { name, image, encodings, root, facts })
}

fn known_allowances(policy: &Policy, allow: &[String]) -> Result<(), Argument> {
    let known: Vec<_> = policy.names().map(str::to_owned).collect();
    let is_check = |name: &String| CHECKS.iter().any(|check| check.id == name);
    match allow.iter().find(|name| !known.contains(name) && !is_check(name)) {
        None => Ok(()),
        Some(name) => {
            Err(Argument::Allow { name: name.clone(), policy: policy.name.clone(), known })
        }
    }
}

fn default_reference(session: &Session, project: &Project) -> Result<String> {
    let runtime = project.runtime.to_string();
    let gpu = project.gpu;
    let Some(known) = session.catalogue.default_for(&runtime, gpu) else {
        return Err(Argument::NoDefaultBase { runtime, gpu }.into());
    };
    let note = format!("Using base image {} (the default for {runtime})", known.reference);
    session.progress.note(&note);
    Ok(known.reference.clone())
}

/// Makes the refusal of a base. `facts` are those of its layers, if they were read.
fn refusal(
    session: &Session,
    policy: &Policy,
    verdicts: &[Verdict],
    facts: Option<&BaseFacts>,
    way_out: &str,
) -> Refusal {
    let accepting = facts.and_then(|facts| session.catalogue.accepting(facts).first().copied());
    Refusal::Base {
        policy: policy.name.clone(),
        failed: names_of_failed(verdicts),
        accepting: accepting.map(|policy| policy.name.clone()),
        hint: format!("{way_out}, or select another policy with --policy (see `mlpack bases`)"),
    }
}

fn is_failed(verdict: &Verdict) -> bool {
    verdict.status == Status::Failed
}

fn is_allowed(request: &ProjectRequest, verdict: &Verdict) -> bool {
    request.allow.contains(&verdict.requirement)
}

fn failed(verdicts: &[Verdict]) -> bool {
    verdicts.iter().any(is_failed)
}

fn names_of_failed(verdicts: &[Verdict]) -> Vec<String> {
    let failed = verdicts.iter().filter(|verdict| is_failed(verdict));
    failed.map(|verdict| verdict.requirement.clone()).collect()
}
