//! The shape inside the crates: which module may import which, and how long files and functions are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;

use crate::kit::{Source, repository};

const LINES_OF_A_FILE: usize = 350;
const LINES_OF_A_FUNCTION: usize = 80;

/// Functions that are one long table, as `file: name`, with the reason.
const TABLES: [(&str, &str); 0] = [];

/// The modules of one crate by their path: `[]` is the root, `["conda", "solve"]` a nested one.
#[derive(Default)]
struct Modules {
    sources: BTreeMap<Vec<String>, Source>,
    items: BTreeMap<Vec<String>, BTreeSet<String>>,
    imports: BTreeMap<Vec<String>, Vec<(Vec<String>, String)>>,
}

impl Modules {
    fn read(root: &Path) -> Self {
        let mut modules = Self::default();
        modules.add(Vec::new(), root, root.parent().unwrap());
        modules
    }

    /// Adds a module and those it declares, which are files in `dir`.
    fn add(&mut self, path: Vec<String>, file: &Path, dir: &Path) {
        let source = Source::new(&fs::read_to_string(file).unwrap());
        for name in source.modules() {
            let child = [&path[..], std::slice::from_ref(&name)].concat();
            let folder = dir.join(&name);
            let places = [dir.join(format!("{name}.rs")), folder.join("mod.rs")];
            if let Some(found) = places.iter().find(|place| place.is_file()) {
                self.add(child, found, &folder);
            }
        }
        self.items.insert(path.clone(), source.items().map(str::to_owned).collect());
        self.imports.insert(path.clone(), source.imports());
        self.sources.insert(path, source);
    }

    /// A path as written in `module`, from the root of the crate; none if it is another crate's.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<Vec<String>> {
        let mut base = match path[0].as_str() {
            "crate" => Vec::new(),
            "self" | "super" => module.to_vec(),
            child => {
                let full = [module, &[child.to_owned()]].concat();
                return self.sources.contains_key(&full).then(|| [module, path].concat());
            }
        };
        let supers = path.iter().take_while(|part| *part == "super").count();
        base.truncate(base.len().saturating_sub(supers));
        let skipped = if supers > 0 { supers } else { 1 };
        Some([base, path[skipped..].to_vec()].concat())
    }

    /// The module that defines what an absolute path names, re-exports followed.
    fn home(&self, path: &[String], depth: usize) -> Option<Vec<String>> {
        let known = (0..=path.len()).rev().find(|&n| self.sources.contains_key(&path[..n]))?;
        let (module, rest) = path.split_at(known);
        let Some(name) = rest.first() else { return Some(module.to_vec()) };
        if depth == 0 || self.items[module].contains(name) {
            return Some(module.to_vec());
        }
        let imports = &self.imports[module];
        let follow = |target: &[String]| {
            let target = self.absolute(module, target)?;
            self.home(&target, depth - 1)
        };
        if let Some((target, _)) = imports.iter().find(|(_, known)| known == name) {
            return follow(target).or_else(|| Some(module.to_vec()));
        }
        imports
            .iter()
            .filter(|(_, known)| known == "*")
            .find_map(|(target, _)| {
                let mut target = target.clone();
                *target.last_mut()? = name.clone();
                let found = follow(&target)?;
                self.items[&found].contains(name).then_some(found)
            })
            .or_else(|| Some(module.to_vec()))
    }

    /// Pairs of modules of which the first names something of the second.
    fn arrows(&self) -> BTreeSet<(Vec<String>, Vec<String>)> {
        let mut arrows = BTreeSet::new();
        for (module, source) in &self.sources {
            let imports = self.imports[module].iter().map(|(path, _)| path.clone());
            for path in imports.chain(source.paths()) {
                let target = self.absolute(module, &path).and_then(|path| self.home(&path, 8));
                arrows.extend(target.filter(|to| to != module).map(|to| (module.clone(), to)));
            }
        }
        arrows
    }

    /// Cycles between siblings: a module counts with all that is below it, and what a parent takes
    /// from its children, or a child from its parent, is not an arrow between siblings.
    fn cycles(&self) -> Vec<String> {
        let mut siblings: BTreeMap<Vec<String>, Graph> = BTreeMap::new();
        for (from, to) in self.arrows() {
            let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
            if from.len() > common && to.len() > common {
                let graph = siblings.entry(from[..common].to_vec()).or_default();
                let seen = graph.entry(from[common].clone()).or_default();
                let example = format!("{} -> {}", from.join("::"), to.join("::"));
                seen.entry(to[common].clone()).or_insert(example);
            }
        }
        siblings.values().flat_map(cycles).collect()
    }
}

/// Arrows from a name to names, each with an example.
type Graph = BTreeMap<String, BTreeMap<String, String>>;

/// The groups of nodes that reach each other, each with the arrows inside it.
fn cycles(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    let mut grouped = BTreeSet::new();
    for node in graph.keys() {
        if grouped.contains(node) {
            continue;
        }
        let forward = reached(graph, node);
        let group: BTreeSet<&String> =
            forward.iter().filter(|other| reached(graph, other).contains(node)).collect();
        if group.is_empty() {
            continue;
        }
        let inside = graph.iter().filter(|(from, _)| group.contains(from)).flat_map(|(_, to)| {
            to.iter().filter(|(to, _)| group.contains(to)).map(|(_, example)| example.as_str())
        });
        found.push(inside.collect::<Vec<_>>().join("; "));
        grouped.extend(group.into_iter().cloned());
    }
    found
}

fn reached(graph: &Graph, node: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut todo = vec![node.to_owned()];
    while let Some(node) = todo.pop() {
        for next in graph.get(&node).into_iter().flat_map(BTreeMap::keys) {
            if seen.insert(next.clone()) {
                todo.push(next.clone());
            }
        }
    }
    seen
}

/// Root files of all crates of the workspace with their names.
fn crates() -> Vec<(String, PathBuf)> {
    let metadata = MetadataCommand::new()
        .manifest_path(repository().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap();
    let targets = metadata.packages.into_iter().flat_map(|package| package.targets);
    let built = targets.filter(|target| target.is_lib() || target.is_bin());
    built.map(|target| (target.name, target.src_path.into_std_path_buf())).collect()
}

/// Every Rust file below a folder, by its path from the root of the repository.
fn rust_files(folder: &str) -> Vec<(String, String)> {
    let files = crate::kit::files(&repository().join(folder));
    let paths = files.iter().map(|line| line.rsplit_once(' ').unwrap().0.to_owned());
    let rust = paths.filter(|path| path.ends_with(".rs") && !path.contains("/target/"));
    rust.map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        let name = Path::new(&path).strip_prefix(repository()).unwrap().display().to_string();
        (name, text)
    })
    .collect()
}

#[track_caller]
fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{}: {what}\n{}", found.len(), found.join("\n"));
}

#[test]
fn no_crate_has_an_import_cycle() {
    let cycles = crates().into_iter().flat_map(|(name, root)| {
        let cycles = Modules::read(&root).cycles();
        cycles.into_iter().map(move |cycle| format!("{name}: {cycle}"))
    });
    assert_none("import cycles between the modules of a crate", &cycles.collect::<Vec<_>>());
}

#[test]
fn no_file_is_longer_than_350_lines() {
    let files = ["packager", "tests"].into_iter().flat_map(rust_files);
    let long = files.filter_map(|(name, text)| {
        let lines = text.lines().count();
        (lines > LINES_OF_A_FILE).then(|| format!("{name}: {lines} lines"))
    });
    assert_none("files too long", &long.collect::<Vec<_>>());
}

#[test]
fn no_function_is_longer_than_80_lines() {
    let long = rust_files("packager").into_iter().flat_map(|(name, text)| {
        let functions = Source::new(&text).functions().into_iter();
        let long = functions.filter(|function| function.length > LINES_OF_A_FUNCTION);
        long.map(move |function| (name.clone(), function)).collect::<Vec<_>>()
    });
    let tables: BTreeSet<&str> = TABLES.iter().map(|(place, _)| *place).collect();
    let long = long
        .filter(|(name, function)| !tables.contains(format!("{name}: {}", function.name).as_str()))
        .map(|(name, function)| {
            format!("{name}:{}: {} has {} lines", function.line, function.name, function.length)
        });
    assert_none("functions too long", &long.collect::<Vec<_>>());
}

#[test]
fn cycles_are_found_through_re_exports() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("lib.rs", "mod a;\nmod b;\nmod c;\npub use a::{One as First, deep};\n"),
        ("a.rs", "use crate::b::Two;\npub struct One(Two);\npub mod deep {}\n"),
        ("b.rs", "// use crate::c::Three;\npub struct Two;\nfn f() { crate::First::new() }\n"),
        ("c.rs", "use crate::b::Two;\npub struct Three(Two);\n#[cfg(test)]\nmod tests;\n"),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let found = Modules::read(&dir.path().join("lib.rs")).cycles();
    assert_eq!(found, ["a -> b; b -> a"]);
}
