//! A conflict in sentences that name the lines of the file.

use std::collections::BTreeSet;

use mlpack_requirements::CondaDependency;

use super::channels::Channels;
use super::conflict::{Candidate, Conflict, Demand, Exclusion, Question};
use super::wording::{bounds, joined, row, versions};

/// More sentences than these nobody reads.
const SENTENCES: usize = 12;

/// What may always be done.
pub(super) const LOOSEN: &str = "loosen or pin the lines named above";

/// What a conflict is told with.
pub(super) struct Teller<'t, 'a> {
    pub(super) question: &'a Question<'a>,
    /// The file's lines; specs of the question behind them are the service's.
    pub(super) lines: &'t [CondaDependency],
    pub(super) channels: &'t Channels,
    /// As the user wrote it.
    pub(super) exclude_newer: Option<&'t str>,
}

/// Sentences, one a line, and what may be done.
pub(super) struct Told {
    pub(super) reason: String,
    pub(super) hint: String,
}

/// Candidates that share a fate.
struct Group<'g, 'a> {
    fate: Fate<'a>,
    members: Vec<&'g Candidate<'a>>,
}

/// What speaks against a candidate.
#[derive(PartialEq)]
enum Fate<'a> {
    Excluded(Exclusion<'a>),
    /// Names of what it needs and what it bounds.
    Bound(Vec<String>, Vec<String>),
}

impl Teller<'_, '_> {
    /// From the file's lines down to what cannot be, then what follows.
    pub(super) fn tell(&self, conflict: &Conflict<'_>) -> Told {
        let demands = &conflict.demands;
        let mut hints = BTreeSet::new();
        let mut sentences: Vec<String> = Vec::new();
        let mut dead: Vec<&Demand<'_>> = Vec::new();
        for demand in demands {
            match &*groups(demand, demands) {
                [] => dead.push(demand),
                [Group { fate: Fate::Excluded(why), members }] => {
                    let clause = self.excluded(demand, why, members, &mut hints);
                    let called = self.called(demand);
                    sentences.push(format!("Because {clause}, nothing meets {called}."));
                }
                // What has nothing of its own against it is told with its rivals.
                [Group { fate: Fate::Bound(needs, allows), members }]
                    if needs.is_empty()
                        && allows.is_empty()
                        && (demand.asked.is_empty() || members.iter().any(|found| found.rival)) => {
                }
                groups => sentences.push(self.met(demand, groups, demands, &mut hints)),
            }
        }
        let names: BTreeSet<&str> = dead.iter().map(|demand| &*demand.name).collect();
        let mut ends = Vec::new();
        for name in names {
            let of: Vec<_> = dead.iter().copied().filter(|demand| demand.name == name).collect();
            ends.push(self.unmet(name, &of, &mut hints));
        }
        ends.extend(self.contests(demands, &mut hints));
        ends.extend(self.conclusion(demands, sentences.len() + ends.len()));
        let room = SENTENCES.saturating_sub(ends.len() + 1).max(1);
        if sentences.len() > room {
            let more = sentences.len() - room;
            sentences.truncate(room);
            sentences.push(format!("({more} more of these are left out.)"));
        }
        ends.truncate(SENTENCES - 2);
        sentences.extend(ends);
        if hints.is_empty() {
            hints.insert(LOOSEN.to_owned());
        }
        let hints: Vec<_> = hints.into_iter().collect();
        Told { reason: sentences.join("\n"), hint: hints.join("; ") }
    }

    /// `` `clash-left` (line 7) is there as 1.0, which needs `common 1.*`. ``
    fn met(
        &self,
        demand: &Demand<'_>,
        groups: &[Group<'_, '_>],
        demands: &[Demand<'_>],
        hints: &mut BTreeSet<String>,
    ) -> String {
        let called = self.called(demand);
        if let [Group { members, fate: Fate::Bound(..) }] = groups {
            let there = there(members);
            return match bound(members, demands) {
                Some(bound) => format!("{called} is there as {there}, which {bound}."),
                None => format!("{called} is there as {there}."),
            };
        }
        let clauses = groups.iter().map(|Group { fate, members }| match fate {
            Fate::Excluded(why) => self.excluded(demand, why, members, hints),
            Fate::Bound(..) => match bound(members, demands) {
                Some(bound) => format!("{} {} {bound}", demand.name, there(members)),
                None => format!("{} {} is there", demand.name, there(members)),
            },
        });
        format!("For {called}: {}.", clauses.collect::<Vec<_>>().join("; "))
    }

    /// Names that several requirements want in versions that differ.
    fn contests(&self, demands: &[Demand<'_>], hints: &mut BTreeSet<String>) -> Vec<String> {
        let all = || demands.iter().flat_map(|demand| &demand.candidates);
        let mut names = BTreeSet::new();
        for demand in demands {
            if demand.candidates.iter().any(|candidate| candidate.rival) {
                names.insert(&*demand.name);
            }
        }
        names.extend(all().flat_map(|candidate| &candidate.allows).map(|(_, name)| &**name));
        let mut sentences = Vec::new();
        for name in names {
            let of = |demand: &&Demand<'_>| demand.name == name && !demand.candidates.is_empty();
            let mut wanted: Vec<_> = demands.iter().filter(of).collect();
            // A long row is cut at its end.
            wanted.sort_by_key(|demand| demand.asked.is_empty());
            let mut sides: Vec<String> = wanted
                .iter()
                .map(|demand| {
                    let there = versions(demand.candidates.iter().map(|found| found.version));
                    format!("{there} for {}", self.called(demand))
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
    fn conclusion(&self, demands: &[Demand<'_>], before: usize) -> Option<String> {
        let asked: BTreeSet<usize> =
            demands.iter().flat_map(|demand| &demand.asked).copied().collect();
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
        // One sentence about the one line says it already.
        (before > 1).then(|| format!("So {} cannot be met{together}.", joined(&who, "and")))
    }

    /// `` `numpy=1.18` (line 7) ``, or what packages ask for.
    pub(super) fn called(&self, demand: &Demand<'_>) -> String {
        let Some(&first) = demand.asked.first() else { return format!("`{}`", demand.text) };
        let Some(line) = self.lines.get(first) else { return format!("`{}`", demand.text) };
        // An address before `::` may hold a secret.
        let text = line.spec.text.rsplit("::").next().unwrap_or_default();
        let lines = demand.asked.iter().filter_map(|&index| self.lines.get(index));
        let lines: Vec<_> = lines.map(|line| line.line.to_string()).collect();
        let word = if lines.len() > 1 { "lines" } else { "line" };
        format!("`{text}` ({word} {})", joined(&lines, "and"))
    }
}

/// What there is for a requirement, by what speaks against it.
fn groups<'g, 'a>(demand: &'g Demand<'a>, demands: &[Demand<'_>]) -> Vec<Group<'g, 'a>> {
    let mut groups: Vec<Group<'g, 'a>> = Vec::new();
    for candidate in &demand.candidates {
        let fate = match &candidate.excluded {
            Some(why) => Fate::Excluded(why.clone()),
            None => {
                let needs = candidate.needs.iter().map(|&index| demands[index].name.clone());
                let allows = candidate.allows.iter().map(|(_, name)| name.clone());
                Fate::Bound(sorted(needs), sorted(allows))
            }
        };
        match groups.iter_mut().find(|group| group.fate == fate) {
            Some(group) => group.members.push(candidate),
            None => groups.push(Group { fate, members: vec![candidate] }),
        }
    }
    groups
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

pub(super) fn there(members: &[&Candidate<'_>]) -> String {
    versions(members.iter().map(|member| member.version))
}

/// `` needs `common 1.*` and goes only with `left <2` ``
fn bound(members: &[&Candidate<'_>], demands: &[Demand<'_>]) -> Option<String> {
    let versions: BTreeSet<_> = members.iter().map(|member| member.version).collect();
    let (needs, goes) = if versions.len() > 1 { ("need", "go") } else { ("needs", "goes") };
    let several = members.len() > 1;
    let needed = members.iter().flat_map(|member| &member.needs).map(|&index| &demands[index]);
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
