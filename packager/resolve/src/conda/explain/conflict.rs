//! Why nothing fits, as facts: the solver's conflict graph, read requirement by requirement.

use std::collections::{BTreeMap, HashMap, HashSet};

use ::resolvo::conflict::{ConflictCause, ConflictEdge, ConflictGraph, ConflictNode};
use ::resolvo::utils::Pool;
use ::resolvo::{
    Problem, Requirement as SolverRequirement, SolvableId, Solver, UnsolvableOrCancelled,
    VersionSetId,
};
use rattler_conda_types::{
    GenericVirtualPackage, MatchSpec, NamelessMatchSpec, RepoDataRecord, Version,
};
use rattler_solve::resolvo::{
    CondaDependencyProvider, NameType, RepoData, SolverMatchSpec, SolverPackageRecord,
};
use rattler_solve::{ChannelPriority, ExcludeNewer, SolveStrategy, TimestampExclusionReason};

/// What a solve is made of.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    /// By channel and folder, in order of priority.
    pub(crate) records: Vec<Vec<&'a RepoDataRecord>>,
    /// One for each line of the file, then what the service needs.
    pub(crate) specs: Vec<MatchSpec>,
    /// What the image is.
    pub(crate) virtual_packages: Vec<GenericVirtualPackage>,
    /// Only what was there before.
    pub(crate) exclude_newer: Option<ExcludeNewer>,
}

/// The requirements that play a part in a conflict; those of the file's lines come first.
#[derive(Debug)]
pub(crate) struct Conflict<'a> {
    pub(crate) requirements: Vec<Requirement<'a>>,
}

/// A requirement, and everything that there is for it.
#[derive(Debug)]
pub(crate) struct Requirement<'a> {
    pub(crate) name: String,
    /// As `common 1.*`.
    pub(crate) text: String,
    pub(crate) spec: NamelessMatchSpec,
    /// Which of the query's specs ask for it; none if only packages do.
    pub(crate) asked: Vec<usize>,
    /// By version; empty where nothing meets it.
    pub(crate) candidates: Vec<Candidate<'a>>,
}

/// A package that would meet a requirement, and what speaks against it.
#[derive(Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) version: &'a Version,
    /// None for a virtual package.
    pub(crate) record: Option<&'a RepoDataRecord>,
    /// Indices of the requirements that it states.
    pub(crate) needs: Vec<usize>,
    /// What it allows other packages to be, as `common <2`, and their names.
    pub(crate) allows: Vec<(String, String)>,
    pub(crate) excluded: Option<Exclusion<'a>>,
    /// Whether it excludes others of its name.
    pub(crate) rival: bool,
}

/// Why a package may not be taken, whatever else is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Exclusion<'a> {
    /// It came after the moment of `--exclude-newer`.
    Newer,
    /// Nobody knows when it came.
    Undated,
    /// The line wants the package from a channel that it names.
    OtherChannel,
    /// A channel of higher priority has the name; this is one of its packages.
    Hidden(&'a RepoDataRecord),
    /// In the solver's words.
    Other(String),
}

/// Asks again, this time for the graph, which the solver's front keeps to itself.
///
/// None where there is no conflict or one of a kind that conda files cannot make (locks, unions,
/// conditions).
pub(crate) fn conflict<'a>(query: &'a Query<'a>) -> Option<Conflict<'a>> {
    let plain = |spec: &MatchSpec| spec.condition.is_none() && spec.extras.is_none();
    if !query.specs.iter().all(plain) {
        return None;
    }
    let provider = CondaDependencyProvider::new(
        query.records.iter().map(|records| records.iter().copied().collect::<RepoData<'_>>()),
        &[],
        &[],
        &query.virtual_packages,
        &query.specs,
        None,
        None,
        ChannelPriority::Strict,
        query.exclude_newer.as_ref(),
        SolveStrategy::default(),
        Vec::new(),
        &HashMap::new(),
    )
    .ok()?;
    let mut asked: BTreeMap<VersionSetId, Vec<usize>> = BTreeMap::new();
    // The image's own are there whatever is asked, so that what constrains them counts.
    let mut requirements = Vec::new();
    for package in &query.virtual_packages {
        let name = provider.pool.intern_package_name(NameType::from(&package.name));
        let any = SolverMatchSpec::MatchSpec(Default::default());
        requirements.push(provider.pool.intern_version_set(name, any).into());
    }
    for (index, spec) in query.specs.iter().enumerate() {
        let name = provider.pool.intern_package_name(NameType::from(spec.name.as_exact()?));
        let (_, spec) = spec.clone().into_nameless();
        let set = provider.pool.intern_version_set(name, spec.into());
        asked.entry(set).or_default().push(index);
        requirements.push(set.into());
    }
    let mut solver = Solver::new(provider);
    let problem = Problem::new().requirements(requirements);
    let Err(UnsolvableOrCancelled::Unsolvable(conflict)) = solver.solve(problem) else {
        return None;
    };
    let graph = conflict.graph(&solver);
    Reader::new(query, &solver.provider().pool, &graph, asked).read()
}

type Graph = ConflictGraph<SolvableId>;
type Edge = ConflictEdge<SolvableId>;

struct Reader<'r, 'a> {
    query: &'a Query<'a>,
    pool: &'r Pool<SolverMatchSpec<'a>, NameType>,
    nodes: Vec<ConflictNode<SolvableId>>,
    root: usize,
    /// Where the edges of each node lead.
    edges: Vec<Vec<(usize, Edge)>>,
    /// What would meet each requirement.
    meets: HashMap<VersionSetId, Vec<usize>>,
    /// Nodes that exclude others of their name: the graph has these as a chain.
    rivals: HashSet<usize>,
    asked: BTreeMap<VersionSetId, Vec<usize>>,
}

impl<'r, 'a> Reader<'r, 'a> {
    fn new(
        query: &'a Query<'a>,
        pool: &'r Pool<SolverMatchSpec<'a>, NameType>,
        graph: &Graph,
        asked: BTreeMap<VersionSetId, Vec<usize>>,
    ) -> Self {
        let nodes: Vec<_> = graph.graph.raw_nodes().iter().map(|node| node.weight).collect();
        let mut edges = vec![Vec::new(); nodes.len()];
        let mut meets: HashMap<_, Vec<usize>> = HashMap::new();
        let mut rivals = HashSet::new();
        for edge in graph.graph.raw_edges() {
            let (from, to) = (edge.source().index(), edge.target().index());
            edges[from].push((to, edge.weight));
            match edge.weight {
                ConflictEdge::Requires(SolverRequirement::Single(set)) => {
                    let meets = meets.entry(set).or_default();
                    if !meets.contains(&to) {
                        meets.push(to);
                    }
                }
                ConflictEdge::Conflict(ConflictCause::ForbidMultipleInstances) => {
                    rivals.extend([from, to]);
                }
                _ => {}
            }
        }
        let root = graph.root_node.index();
        Self { query, pool, nodes, root, edges, meets, rivals, asked }
    }

    /// The requirements in the order in which they are met on the way from the file's lines.
    fn read(&self) -> Option<Conflict<'a>> {
        let mut order = Vec::new();
        let first = |set: &VersionSetId| self.asked.get(set).and_then(|asked| asked.first());
        let mut waiting = self.required_by(self.root)?;
        waiting.sort_by_key(|set| std::cmp::Reverse(first(set).copied()));
        while let Some(set) = waiting.pop() {
            if order.contains(&set) {
                continue;
            }
            order.push(set);
            for &node in self.meets[&set].iter().rev() {
                waiting.extend(self.required_by(node)?.into_iter().rev());
            }
        }
        let requirements =
            order.iter().map(|&set| self.requirement(set, &order)).collect::<Option<_>>()?;
        Some(Conflict { requirements })
    }

    fn requirement(&self, set: VersionSetId, order: &[VersionSetId]) -> Option<Requirement<'a>> {
        let missing = |node: &usize| self.nodes[*node] == ConflictNode::UnresolvedDependency;
        let nodes = self.meets[&set].iter().copied().filter(|node| !missing(node));
        let mut candidates =
            nodes.map(|node| self.candidate(node, order)).collect::<Option<Vec<_>>>()?;
        candidates.sort_by_key(|candidate| candidate.version);
        let (name, spec) = self.spec(set)?;
        let asked = self.asked.get(&set).cloned().unwrap_or_default();
        Some(Requirement {
            text: written(&name, spec),
            name,
            spec: spec.clone(),
            asked,
            candidates,
        })
    }

    fn candidate(&self, node: usize, order: &[VersionSetId]) -> Option<Candidate<'a>> {
        let ConflictNode::Solvable(solvable) = self.nodes[node] else { return None };
        let (record, version) = match &self.pool.resolve_solvable(solvable).record {
            SolverPackageRecord::Record(record) => {
                (Some(*record), record.package_record.version.version())
            }
            SolverPackageRecord::VirtualPackage(package) => (None, &package.version),
            SolverPackageRecord::Extra { .. } => return None,
        };
        let required = self.required_by(node)?;
        let needs = required.iter().filter_map(|set| order.iter().position(|other| other == set));
        let (mut allows, mut excluded) = (Vec::new(), None);
        for (target, edge) in &self.edges[node] {
            match edge {
                ConflictEdge::Conflict(ConflictCause::Constrains(set)) => {
                    let (name, spec) = self.spec(*set)?;
                    let allowed = (written(&name, spec), name);
                    if !allows.contains(&allowed) {
                        allows.push(allowed);
                    }
                }
                ConflictEdge::Conflict(ConflictCause::Excluded) => {
                    let ConflictNode::Excluded(reason) = self.nodes[*target] else { return None };
                    excluded = Some(self.exclusion(record?, self.pool.resolve_string(reason)));
                }
                ConflictEdge::Conflict(ConflictCause::Locked(_)) => return None,
                _ => {}
            }
        }
        allows.sort();
        let rival = self.rivals.contains(&node);
        Some(Candidate { version, record, needs: needs.collect(), allows, excluded, rival })
    }

    /// The solver gives its reason as text only, so the reason is derived again from the data.
    fn exclusion(&self, record: &'a RepoDataRecord, words: &str) -> Exclusion<'a> {
        let name = &record.package_record.name;
        match self.query.exclude_newer.as_ref().and_then(|day| day.exclusion_reason(record)) {
            Some(TimestampExclusionReason::NewerThanCutoff { .. }) => return Exclusion::Newer,
            Some(_) => return Exclusion::Undated,
            None => {}
        }
        let mut specs = self.query.specs.iter();
        let wanted =
            specs.find(|spec| spec.channel.is_some() && spec.name.as_exact() == Some(name));
        if let Some(wanted) = wanted.and_then(|spec| spec.channel.as_ref()) {
            return match record.channel == Some(wanted.canonical_name()) {
                true => Exclusion::Other(words.to_owned()),
                false => Exclusion::OtherChannel,
            };
        }
        let mut all = self.query.records.iter().flatten().copied();
        match all.find(|first| first.package_record.name == *name) {
            Some(first) if first.channel != record.channel => Exclusion::Hidden(first),
            _ => Exclusion::Other(words.to_owned()),
        }
    }

    /// What a node requires, in the order in which the solver came upon it.
    fn required_by(&self, node: usize) -> Option<Vec<VersionSetId>> {
        let mut sets = Vec::new();
        for (_, edge) in &self.edges[node] {
            match edge {
                ConflictEdge::Requires(SolverRequirement::Single(set)) if !sets.contains(set) => {
                    sets.push(*set);
                }
                ConflictEdge::Requires(SolverRequirement::Union(_)) => return None,
                ConflictEdge::Requires(_) | ConflictEdge::Conflict(_) => {}
            }
        }
        Some(sets)
    }

    /// Name and bounds of a requirement.
    fn spec(&self, set: VersionSetId) -> Option<(String, &'r NamelessMatchSpec)> {
        let SolverMatchSpec::MatchSpec(spec) = self.pool.resolve_version_set(set) else {
            return None;
        };
        let name = self.pool.resolve_version_set_package_name(set);
        Some((self.pool.resolve_package_name(name).to_string(), spec))
    }
}

/// `common 1.*`
fn written(name: &str, spec: &NamelessMatchSpec) -> String {
    format!("{name} {spec}").trim_end_matches(" *").to_owned()
}
