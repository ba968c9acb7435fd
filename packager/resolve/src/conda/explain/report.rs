//! A conflict in sentences that name the lines of the file.

use std::collections::BTreeSet;

use crate::conda::explain::conflict::{Candidate, Conflict, Exclusion, Query, Requirement};
use crate::conda::explain::wording::{bounds, joined, row, versions};
use mlpack_packages::conda::channels::Channels;
use mlpack_requirements::CondaDependency;

/// Cap on the length of a report.
const SENTENCES: usize = 12;

/// The hint where there is no better one.
pub(crate) const LOOSEN: &str = "loosen or pin the lines named above";

/// What a conflict is reported with.
pub(crate) struct ConflictReporter<'t, 'a> {
    pub(crate) query: &'a Query<'a>,
    /// The file's lines; specs of the query behind them are the service's.
    pub(crate) lines: &'t [CondaDependency],
    pub(crate) channels: &'t Channels,
    /// As the user wrote it.
    pub(crate) exclude_newer: Option<&'t str>,
}

/// A report: sentences, one a line, and a hint.
pub(crate) struct Reported {
    pub(crate) reason: String,
    pub(crate) hint: String,
}

/// Candidates that share a reason.
struct Group<'g, 'a> {
    reason: Reason<'a>,
    members: Vec<&'g Candidate<'a>>,
}

/// What speaks against a candidate.
#[derive(PartialEq)]
enum Reason<'a> {
    Excluded(Exclusion<'a>),
    /// Names of what it needs and what it bounds.
    Bound(Vec<String>, Vec<String>),
}

impl ConflictReporter<'_, '_> {
    /// From the file's lines down to what cannot be, then what follows.
    pub(crate) fn report(&self, conflict: &Conflict<'_>) -> Reported {
        let requirements = &conflict.requirements;
        let mut hints = BTreeSet::new();
        let mut sentences: Vec<String> = Vec::new();
        let mut dead: Vec<&Requirement<'_>> = Vec::new();
        for requirement in requirements {
            match &*groups(requirement, requirements) {
                [] => dead.push(requirement),
                [Group { reason: Reason::Excluded(why), members }] => {
                    let clause = self.excluded(requirement, why, members, &mut hints);
                    let called = self.called(requirement);
                    sentences.push(format!("Because {clause}, nothing meets {called}."));
                }
                // A candidate that only its rivals exclude is reported with them.
                [Group { reason: Reason::Bound(needs, allows), members }]
                    if needs.is_empty()
                        && allows.is_empty()
                        && (requirement.asked.is_empty()
                            || members.iter().any(|found| found.rival)) => {}
                groups => sentences.push(self.met(requirement, groups, requirements, &mut hints)),
            }
        }
        let names: BTreeSet<&str> = dead.iter().map(|requirement| &*requirement.name).collect();
        let mut ends = Vec::new();
        for name in names {
            let of: Vec<_> =
                dead.iter().copied().filter(|requirement| requirement.name == name).collect();
            ends.push(self.unmet(name, &of, &mut hints));
        }
        ends.extend(self.contests(requirements, &mut hints));
        ends.extend(self.conclusion(requirements, sentences.len() + ends.len()));
        let limit = SENTENCES.saturating_sub(ends.len() + 1).max(1);
        if sentences.len() > limit {
            let more = sentences.len() - limit;
            sentences.truncate(limit);
            sentences.push(format!("({more} more sentences omitted.)"));
        }
        ends.truncate(SENTENCES - 2);
        sentences.extend(ends);
        if hints.is_empty() {
            hints.insert(LOOSEN.to_owned());
        }
        let hints: Vec<_> = hints.into_iter().collect();
        Reported { reason: sentences.join("\n"), hint: hints.join("; ") }
    }

    /// `` `clash-left` (line 7) is available as 1.0, which needs `common 1.*`. ``
    fn met(
        &self,
        requirement: &Requirement<'_>,
        groups: &[Group<'_, '_>],
        requirements: &[Requirement<'_>],
        hints: &mut BTreeSet<String>,
    ) -> String {
        let called = self.called(requirement);
        if let [Group { members, reason: Reason::Bound(..) }] = groups {
            let there = there(members);
            return match bound(members, requirements) {
                Some(bound) => format!("{called} is available as {there}, which {bound}."),
                None => format!("{called} is available as {there}."),
            };
        }
        let clauses = groups.iter().map(|Group { reason, members }| match reason {
            Reason::Excluded(why) => self.excluded(requirement, why, members, hints),
            Reason::Bound(..) => match bound(members, requirements) {
                Some(bound) => format!("{} {} {bound}", requirement.name, there(members)),
                None => format!("{} {} is available", requirement.name, there(members)),
            },
        });
        format!("For {called}: {}.", clauses.collect::<Vec<_>>().join("; "))
    }

    /// Names that several requirements want in versions that differ.
    fn contests(
        &self,
        requirements: &[Requirement<'_>],
        hints: &mut BTreeSet<String>,
    ) -> Vec<String> {
        let all = || requirements.iter().flat_map(|requirement| &requirement.candidates);
        let mut names = BTreeSet::new();
        for requirement in requirements {
            if requirement.candidates.iter().any(|candidate| candidate.rival) {
                names.insert(&*requirement.name);
            }
        }
        names.extend(all().flat_map(|candidate| &candidate.allows).map(|(_, name)| &**name));
        let mut sentences = Vec::new();
        for name in names {
            let of = |requirement: &&Requirement<'_>| {
                requirement.name == name && !requirement.candidates.is_empty()
            };
            let mut wanted: Vec<_> = requirements.iter().filter(of).collect();
            // A long row is cut at its end.
            wanted.sort_by_key(|requirement| requirement.asked.is_empty());
            let mut sides: Vec<String> = wanted
                .iter()
                .map(|requirement| {
                    let there = versions(requirement.candidates.iter().map(|found| found.version));
                    format!("{there} for {}", self.called(requirement))
                })
                .collect();
            let allows = all().flat_map(|candidate| &candidate.allows);
            let allows: BTreeSet<_> = allows.filter(|(_, other)| other == name).collect();
            let allows = allows.into_iter().map(|(text, _)| format!("`{text}`"));
            if let Some(image) = self.image(name, hints) {
                let bounds = row(&allows.collect::<Vec<_>>(), "and");
                sentences.push(format!("Because {image}, what goes only with {bounds} is out."));
                continue;
            }
            sides.extend(allows.map(|allowed| format!("what {allowed} allows")));
            if sides.len() > 1 {
                hints.insert("loosen one of the lines named above, or leave it out".to_owned());
                let both = if sides.len() == 2 { "both" } else { "all" };
                let sides = row(&sides, "and");
                sentences.push(format!(
                    "Because an environment has one version of {name}, {sides} cannot {both} be there."
                ));
            }
        }
        sentences
    }

    /// `So lines 7 and 8 cannot be met together.`
    fn conclusion(&self, requirements: &[Requirement<'_>], before: usize) -> Option<String> {
        let asked: BTreeSet<usize> =
            requirements.iter().flat_map(|requirement| &requirement.asked).copied().collect();
        let lines = asked.iter().filter_map(|&index| self.lines.get(index));
        let lines: Vec<_> = lines.map(|line| line.line.to_string()).collect();
        let mut who = match &*lines {
            [] => Vec::new(),
            [line] => vec![format!("line {line}")],
            _ => vec![format!("lines {}", joined(&lines, "and"))],
        };
        if asked.iter().any(|&index| index >= self.lines.len()) {
            who.push("the Python that a service needs".to_owned());
        }
        let together = if asked.len() > 1 { " together" } else { "" };
        // A single sentence about a single line needs no conclusion.
        (before > 1).then(|| format!("So {} cannot be met{together}.", joined(&who, "and")))
    }

    /// `` `numpy=1.18` (line 7) ``, or what packages ask for.
    pub(crate) fn called(&self, requirement: &Requirement<'_>) -> String {
        let Some(&first) = requirement.asked.first() else {
            return format!("`{}`", requirement.text);
        };
        let Some(line) = self.lines.get(first) else { return format!("`{}`", requirement.text) };
        // An address before `::` may hold a secret.
        let text = line.spec.text.rsplit("::").next().unwrap_or_default();
        let lines = requirement.asked.iter().filter_map(|&index| self.lines.get(index));
        let lines: Vec<_> = lines.map(|line| line.line.to_string()).collect();
        let word = if lines.len() > 1 { "lines" } else { "line" };
        format!("`{text}` ({word} {})", joined(&lines, "and"))
    }
}

/// What there is for a requirement, by what speaks against it.
fn groups<'g, 'a>(
    requirement: &'g Requirement<'a>,
    requirements: &[Requirement<'_>],
) -> Vec<Group<'g, 'a>> {
    let mut groups: Vec<Group<'g, 'a>> = Vec::new();
    for candidate in &requirement.candidates {
        let reason = match &candidate.excluded {
            Some(why) => Reason::Excluded(why.clone()),
            None => {
                let needs = candidate.needs.iter().map(|&index| requirements[index].name.clone());
                let allows = candidate.allows.iter().map(|(_, name)| name.clone());
                Reason::Bound(sorted(needs), sorted(allows))
            }
        };
        match groups.iter_mut().find(|group| group.reason == reason) {
            Some(group) => group.members.push(candidate),
            None => groups.push(Group { reason, members: vec![candidate] }),
        }
    }
    groups
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

pub(crate) fn there(members: &[&Candidate<'_>]) -> String {
    versions(members.iter().map(|member| member.version))
}

/// `` needs `common 1.*` and goes only with `left <2` ``
fn bound(members: &[&Candidate<'_>], requirements: &[Requirement<'_>]) -> Option<String> {
    let versions: BTreeSet<_> = members.iter().map(|member| member.version).collect();
    let (needs, goes) = if versions.len() > 1 { ("need", "go") } else { ("needs", "goes") };
    let several = members.len() > 1;
    let needed = members.iter().flat_map(|member| &member.needs).map(|&index| &requirements[index]);
    let needed = bounds(needed.map(|needed| (&*needed.name, &*needed.text)), several);
    let allowed = members.iter().flat_map(|member| &member.allows);
    let allowed = bounds(allowed.map(|(text, name)| (&**name, &**text)), several);
    let parts = [(needs, needed), (goes, allowed)];
    let parts: Vec<_> = parts
        .into_iter()
        .filter(|(_, what)| !what.is_empty())
        .map(|(verb, what)| match verb {
            "need" | "needs" => format!("{verb} {what}"),
            _ => format!("{verb} only with {what}"),
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}

#[cfg(test)]
mod tests;
