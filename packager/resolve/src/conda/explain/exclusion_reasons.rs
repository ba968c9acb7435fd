//! Why candidates are excluded: channels, dates, the image, versions and builds.

use std::collections::BTreeSet;

use rattler_conda_types::RepoDataRecord;

use crate::conda::explain::conflict::{Candidate, Exclusion, Requirement};
use crate::conda::explain::report::{ConflictReporter, there};
use crate::conda::explain::wording::{day, row, version, versions};

impl ConflictReporter<'_, '_> {
    /// Why candidates are out of the query, whatever else is asked.
    pub(crate) fn excluded(
        &self,
        requirement: &Requirement<'_>,
        why: &Exclusion<'_>,
        members: &[&Candidate<'_>],
        hints: &mut BTreeSet<String>,
    ) -> String {
        let name = &requirement.name;
        let what = format!("{name} {}", there(members));
        let records = || members.iter().filter_map(|member| member.record);
        let channel = records().next().map(|record| self.channel(record)).unwrap_or_default();
        let limit = self.exclude_newer.unwrap_or_default();
        match why {
            Exclusion::Newer => {
                let first = records().filter_map(|record| Some((day(record)?, record))).min_by_key(
                    |(day, record)| (day.clone(), record.package_record.version.clone()),
                );
                let Some((first, record)) = first else {
                    return format!("{what} was uploaded after --exclude-newer {limit}");
                };
                let version = &record.package_record.version;
                hints.insert(format!("use --exclude-newer {first} to include {name} {version}"));
                match members {
                    [_] => format!("{what} was uploaded on {first}, after --exclude-newer {limit}"),
                    _ => format!(
                        "{what} was uploaded after --exclude-newer {limit}, the first on {first}"
                    ),
                }
            }
            Exclusion::Undated => {
                format!("{what} has no date and --exclude-newer {limit} was given")
            }
            Exclusion::OtherChannel => {
                hints.insert(format!("request a version of {name} that the named channel has"));
                format!("{what} is in {channel}, not in the channel that the line names")
            }
            Exclusion::Hidden(first) => {
                let before = self.channel(first);
                hints.insert(format!(
                    "put {channel} before {before} below `channels:`, or write `{channel}::{name}`"
                ));
                let there = self.offered(name, |record| record.channel == first.channel);
                let there = versions(there.iter().copied().map(version));
                format!(
                    "{what} is in {channel}, and {before}, which has priority, has {name} too ({there})"
                )
            }
            Exclusion::Other(words) => format!("{what} is excluded ({words})"),
        }
    }

    /// Requirements of one name that nothing meets.
    pub(crate) fn unmet(
        &self,
        name: &str,
        of: &[&Requirement<'_>],
        hints: &mut BTreeSet<String>,
    ) -> String {
        let called: Vec<_> = of.iter().map(|requirement| self.called(requirement)).collect();
        let called = row(&called, "or");
        if let Some(image) = self.image(name, hints) {
            return format!("Because {image}, nothing meets {called}.");
        }
        let all = self.offered(name, |_| true);
        if all.is_empty() {
            hints.insert(format!("add the channel that has {name}"));
            return format!("Because no channel has a package {name}, nothing meets {called}.");
        }
        if let [requirement] = of {
            let wanted = requirement.spec.version.as_ref();
            let fitting = self.offered(name, |record| {
                wanted.is_none_or(|wanted| wanted.matches(version(record)))
            });
            if !fitting.is_empty() {
                hints.insert("request a build that exists".to_owned());
                let there = versions(fitting.iter().copied().map(version));
                let builds = fitting.iter().map(|record| record.package_record.build.to_string());
                let builds: BTreeSet<_> = builds.map(|build| format!("`{build}`")).collect();
                let word = if builds.len() > 1 { "builds" } else { "build" };
                let builds = row(&builds.into_iter().collect::<Vec<_>>(), "and");
                return format!(
                    "Because {name} {there} exists only in the {word} {builds}, nothing meets {called}."
                );
            }
        }
        hints.insert("request a version that exists".to_owned());
        let there = versions(all.iter().copied().map(version));
        format!("Because {name} exists only as {there}, nothing meets {called}.")
    }

    /// What the image is, of a virtual package.
    pub(crate) fn image(&self, name: &str, hints: &mut BTreeSet<String>) -> Option<String> {
        let known = name.strip_prefix("__")?;
        let word = match known {
            "glibc" => "glibc",
            "cuda" => "CUDA",
            _ => name,
        };
        let mut all = self.query.virtual_packages.iter();
        let found = all.find(|package| package.name.as_normalized() == name);
        hints.insert(match (known, found) {
            ("glibc", _) => "use a newer base image".to_owned(),
            ("cuda", _) => "use a base image with CUDA".to_owned(),
            _ => format!("use a base image with another `{name}`"),
        });
        Some(match found {
            Some(package) => format!("the base image has {word} {}", package.version),
            None => format!("the base image has no {word}"),
        })
    }

    fn channel(&self, record: &RepoDataRecord) -> String {
        self.channels.called(record.url.as_str())
    }

    /// The packages of a name that the channels have.
    fn offered(&self, name: &str, only: impl Fn(&RepoDataRecord) -> bool) -> Vec<&RepoDataRecord> {
        let all = self.query.records.iter().flatten().copied();
        all.filter(|record| record.package_record.name.as_normalized() == name && only(record))
            .collect()
    }
}
