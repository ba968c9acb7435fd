//! Releases that are for other Pythons. uv looks at the lower bound of `Requires-Python` alone, and pip at all of it:
//! `>=3.6,<3.7`, or `!=3.6.*` as some lists of exclusions have it.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use mlpack_lock::{ArtifactKind, ArtifactOrigin, LockedPackage};
use mlpack_packages::net::client::Client;
use mlpack_packages::net::index::{self, IndexFile};
use mlpack_requirements::pip::admits_python;
use mlpack_requirements::{PythonVersion, Target};
use tokio::sync::Mutex;
use url::Url;

use crate::pip::pylock::Pylock;

/// Requests at a time.
const AT_ONCE: usize = 16;

/// A release that pip does not install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForOthers {
    name: String,
    version: String,
    /// `Requires-Python`.
    required: String,
}

impl ForOthers {
    /// Returns the bound that leaves it out.
    pub(crate) fn constraint(&self) -> String {
        format!("{}!={}", self.name, self.version)
    }
}

/// The releases for other Pythons that a list leads to.
#[derive(Debug, Default)]
pub(crate) struct OtherPythons {
    passed_over: Vec<ForOthers>,
    /// Packages of which the list asks for such a release; they are reported before they are installed.
    required: BTreeSet<String>,
    /// Whether several at once conflicted, so that each is tried alone.
    alone: bool,
}

impl OtherPythons {
    /// Returns the packages that are for other Pythons and may be left out.
    pub(crate) async fn open(
        &self,
        pythons: &RequiredPythons,
        client: &Client,
        packages: &[LockedPackage],
        target: &Target,
    ) -> Vec<ForOthers> {
        let mut found = pythons.exclude(packages, client, target.python).await;
        found.retain(|of| !self.required.contains(&of.name));
        if self.alone {
            found.truncate(1);
        }
        found
    }

    /// Records that releases are left out.
    pub(crate) fn passed_over(&mut self, releases: Vec<ForOthers>) {
        self.passed_over.extend(releases);
    }

    /// Records that releases cannot be left out together.
    pub(crate) fn conflict(&mut self, releases: Vec<ForOthers>) {
        match releases.len() {
            1 => self.required.extend(releases.into_iter().map(|of| of.name)),
            _ => self.alone = true,
        }
    }

    /// Returns a sentence for each release that was left out.
    pub(crate) fn notes(&self, pylock: &Pylock, target: &Target) -> Vec<String> {
        let python = target.python.minor_text();
        let note = |of: &ForOthers| {
            let ForOthers { name, version, required } = of;
            let taken = &pylock.package(name)?.version;
            Some(format!("using {name} {taken}: {version} is not for Python {python} ({required})"))
        };
        self.passed_over.iter().filter_map(note).collect()
    }
}

/// What releases say of Pythons, each asked once. An index that has no metadata beside its wheels (PEP 658) says nothing;
/// then the packages themselves are looked at before they are installed.
#[derive(Debug, Default)]
pub(crate) struct RequiredPythons(Mutex<BTreeMap<String, Option<String>>>);

impl RequiredPythons {
    /// Returns the packages that are for other Pythons.
    async fn exclude(
        &self,
        packages: &[LockedPackage],
        client: &Client,
        python: PythonVersion,
    ) -> Vec<ForOthers> {
        let mut known = self.0.lock().await;
        let wheels = packages.iter().filter_map(wheel);
        let unknown = wheels.filter(|(_, file)| !known.contains_key(&file.filename));
        let asked = unknown.map(|(_, file)| async move {
            let metadata = index::metadata(client, &file).await.ok();
            let required = metadata.as_deref().and_then(required_python).map(str::to_owned);
            (file.filename, required)
        });
        let found: Vec<_> = futures_util::stream::iter(asked.collect::<Vec<_>>())
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        known.extend(found);
        let required = |package: &LockedPackage| {
            let required = known.get(&package.artifact.filename)?.clone()?;
            (!admits_python(&required, python)).then(|| ForOthers {
                name: package.name.clone(),
                version: package.version.clone(),
                required,
            })
        };
        packages.iter().filter_map(required).collect()
    }
}

/// Returns the file of a package, if it is a wheel of an index.
fn wheel(package: &LockedPackage) -> Option<(&LockedPackage, IndexFile)> {
    let artifact = &package.artifact;
    let ArtifactOrigin::Url(url) = &artifact.origin else { return None };
    if artifact.kind != ArtifactKind::Wheel || !url.starts_with("http") {
        return None;
    }
    let url = Url::parse(url).ok()?;
    Some((package, IndexFile { filename: artifact.filename.clone(), url }))
}

fn required_python(metadata: &str) -> Option<&str> {
    let head = metadata.lines().take_while(|line| !line.is_empty());
    head.filter_map(|line| line.strip_prefix("Requires-Python:")).map(str::trim).next()
}
