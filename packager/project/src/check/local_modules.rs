//! Modules of the project that are imported before the first request.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use crate::analysis::python::{EntryScript, Import};
use crate::project::Project;

/// Files that are read at most; a project has tens.
const MOST: usize = 500;

/// Reads the modules of a project that its entry script imports, and those that these import, as far
/// as they can be parsed.
pub(super) fn read(project: &Project, script: &EntryScript) -> Vec<EntryScript> {
    let beside = project.entry_script.parent().map(Path::to_owned);
    let Some(source) = &project.source_directory else { return Vec::new() };
    let roots: Vec<PathBuf> = beside.into_iter().chain([source.path.clone()]).collect();
    let mut seen = BTreeSet::from([project.entry_script.clone()]);
    let mut next: VecDeque<PathBuf> = files(script, &roots).into();
    let mut modules = Vec::new();
    while let Some(path) = next.pop_front() {
        if modules.len() == MOST || !seen.insert(path.clone()) {
            continue;
        }
        let Ok(module) = EntryScript::load(&path) else { continue };
        if module.syntax_error.is_none() {
            next.extend(files(&module, &roots));
            modules.push(module);
        }
    }
    modules
}

/// Returns the files below some folders that a script imports when it is loaded.
fn files(script: &EntryScript, roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for import in script.imports.iter().filter(|import| import.at_start && !import.optional) {
        match folder_of_relative(&script.path, import) {
            Some(folder) => found.extend(below(&folder, import)),
            None => {
                // The first folder that has the module counts.
                let files = roots.iter().map(|root| below(root, import));
                found.extend(files.into_iter().find(|files| !files.is_empty()).unwrap_or_default());
            }
        }
    }
    found
}

/// Returns where `from ..x import y` starts; nothing for an import without dots.
fn folder_of_relative(path: &Path, import: &Import) -> Option<PathBuf> {
    let mut folder = path.parent()?;
    for _ in 1..import.level {
        folder = folder.parent()?;
    }
    (import.level > 0).then(|| folder.to_owned())
}

/// Returns the files that an import loads if its first module is in a folder: of each package on the
/// way, and of the names after `import`.
fn below(folder: &Path, import: &Import) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut place = folder.to_owned();
    for part in import.module.split('.').filter(|part| !part.is_empty()) {
        place.push(part);
        found.extend(file(&place));
    }
    found.extend(import.names.iter().filter_map(|name| file(&place.join(name))));
    found
}

/// Returns the file of a module, or of a package.
fn file(place: &Path) -> Option<PathBuf> {
    let [module, package] = [place.with_extension("py"), place.join("__init__.py")];
    if package.is_file() {
        return Some(package);
    }
    module.is_file().then_some(module)
}
