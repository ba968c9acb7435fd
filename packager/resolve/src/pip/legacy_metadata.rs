//! Metadata with specifiers from before PEP 440, which uv refuses and pip took until its release 24.1: what such releases
//! require is written down for uv in a form that it reads.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;

use futures_util::StreamExt as _;
use mlpack_packages::Settings;
use mlpack_packages::net::client::Client;
use mlpack_packages::net::index::{self, IndexFile};
use mlpack_requirements::WheelName;
use mlpack_requirements::pip::{repair_requirement, repair_specifiers};
use pep440_rs::Version;
use serde::Serialize;

use crate::pip::uv_failure::UvFailure;

/// The most releases of a package that are looked at, newest first.
const MOST: usize = 300;

/// Requests at a time.
const AT_ONCE: usize = 8;

/// What a release requires, for uv's `dependency-metadata`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Repaired {
    name: String,
    version: String,
    requires_dist: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requires_python: Option<String>,
    provides_extra: Vec<String>,
    /// The first line that was not valid.
    #[serde(skip)]
    line: String,
}

/// The configuration of uv.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Configuration<'a> {
    dependency_metadata: Vec<&'a Repaired>,
}

/// What is known of releases so far.
#[derive(Debug, Default)]
pub(crate) struct Repairs {
    looked_at: BTreeSet<String>,
    found: BTreeMap<(String, String), Repaired>,
}

impl Repairs {
    /// Returns the text of a configuration with everything that was repaired; `None` without any.
    pub(crate) fn configuration(&self) -> Option<String> {
        let configuration = Configuration { dependency_metadata: self.found.values().collect() };
        (!self.found.is_empty()).then(|| toml::to_string(&configuration).ok()).flatten()
    }

    /// Looks at the packages that a failure of uv is about. Returns whether there is more to try with.
    pub(crate) async fn look(
        &mut self,
        stderr: &str,
        client: &Client,
        settings: &Settings,
    ) -> bool {
        let before = self.found.len();
        for name in suspects(stderr) {
            if self.looked_at.insert(name.clone()) {
                let files = index::files(client, &settings.indexes, &name).await;
                // Without a page, what uv says is the error.
                let releases = releases(files.unwrap_or_default());
                let read = |(version, file): (Version, IndexFile)| {
                    let name = name.clone();
                    async move {
                        let text = index::metadata(client, &file).await.ok()?;
                        repaired(&name, &version.to_string(), &text)
                    }
                };
                let read = futures_util::stream::iter(releases.into_iter().map(read));
                let found: Vec<Option<Repaired>> = read.buffer_unordered(AT_ONCE).collect().await;
                let keyed = |found: Repaired| ((found.name.clone(), found.version.clone()), found);
                self.found.extend(found.into_iter().flatten().map(keyed));
            }
        }
        self.found.len() > before
    }

    /// Returns a sentence about a release whose metadata was repaired.
    pub(crate) fn note(&self, name: &str, version: &str) -> Option<String> {
        let Repaired { line, .. } = self.found.get(&(name.to_owned(), version.to_owned()))?;
        let read = repair_requirement(line)?;
        Some(format!(
            "{name} {version} requires `{line}`, which is no requirement any more; it is read as `{read}`, as pip did"
        ))
    }
}

/// Returns the packages whose metadata uv refused, or whose older sources it tried instead.
fn suspects(stderr: &str) -> BTreeSet<String> {
    const HINT: &str = "Metadata for `";
    let hints = stderr.split(HINT).skip(1).filter_map(|rest| rest.split('`').next());
    let built = UvFailure::read(stderr).failed_build().map(|(name, _)| name);
    hints.map(str::to_owned).chain(built).collect()
}

/// Returns one wheel of each release, newest first.
fn releases(files: Vec<IndexFile>) -> Vec<(Version, IndexFile)> {
    let wheel = |file: IndexFile| {
        let version = Version::from_str(&WheelName::parse(&file.filename)?.version).ok()?;
        Some((version, file))
    };
    let newest: BTreeMap<Version, IndexFile> = files.into_iter().filter_map(wheel).collect();
    newest.into_iter().rev().take(MOST).collect()
}

/// Repairs the metadata of a release; `None` if it is valid, or cannot be repaired.
fn repaired(name: &str, version: &str, metadata: &str) -> Option<Repaired> {
    let head = metadata.split("\n\n").next().unwrap_or_default();
    let of = |field: &str| -> Vec<&str> {
        let values = head.lines().filter_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        values.map(str::trim).collect()
    };
    let lines = of("Requires-Dist");
    let requires_dist: Vec<String> =
        lines.iter().map(|line| repair_requirement(line)).collect::<Option<_>>()?;
    let changed = lines.iter().zip(&requires_dist).find(|(line, repaired)| **line != **repaired);
    let line = (*changed?.0).to_owned();
    let requires_python = match of("Requires-Python").first() {
        Some(text) => Some(repair_specifiers(text)?),
        None => None,
    };
    Some(Repaired {
        name: name.to_owned(),
        version: version.to_owned(),
        requires_dist,
        requires_python,
        provides_extra: of("Provides-Extra").into_iter().map(str::to_owned).collect(),
        line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_written_down_for_uv() {
        let metadata = "Metadata-Version: 2.0\nName: pandas\nRequires-Python: >=2.7,!=3.0.*\nProvides-Extra: test\nRequires-Dist: pytz (>=2011k)\nRequires-Dist: numpy (>=1.12.0)\n\nRequires-Dist: of the description\n";
        let mut repairs = Repairs::default();
        assert_eq!(repairs.configuration(), None);
        let found = repaired("pandas", "0.24.2", metadata).unwrap();
        repairs.found.insert(("pandas".to_owned(), "0.24.2".to_owned()), found);
        assert_eq!(
            repairs.configuration().unwrap(),
            "[[dependency-metadata]]\nname = \"pandas\"\nversion = \"0.24.2\"\nrequires-dist = [\"pytz>2011\", \"numpy (>=1.12.0)\"]\nrequires-python = \">=2.7,!=3.0.*\"\nprovides-extra = [\"test\"]\n"
        );
        assert_eq!(
            repairs.note("pandas", "0.24.2").unwrap(),
            "pandas 0.24.2 requires `pytz (>=2011k)`, which is no requirement any more; it is read as `pytz>2011`, as pip did"
        );
        assert_eq!(repaired("a", "1", "Requires-Dist: b (>=1)\n"), None);
        assert_eq!(repaired("a", "1", "Requires-Dist: b (==2011k)\n"), None);
    }

    #[test]
    fn packages_are_found_in_what_uv_says() {
        let invalid = "error: No solution found when resolving dependencies\n  cause: x\n\nhint: Metadata for `pandas` (v0.24.2) could not be parsed:\n  after parsing\n";
        assert_eq!(suspects(invalid), ["pandas".to_owned()].into());
        let built = "error: Failed to build `pandas==0.13.1`\n  cause: The build backend returned an error\n";
        assert_eq!(suspects(built), ["pandas".to_owned()].into());
        assert_eq!(suspects("error: No solution found\n  cause: x\n"), BTreeSet::new());
    }
}
