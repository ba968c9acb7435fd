//! Python modules of the project itself.

use std::path::Path;

use super::Subject;

/// Returns whether a folder has a module or package of this name.
pub(super) fn is_module(folder: &Path, name: &str) -> bool {
    !name.is_empty()
        && (folder.join(format!("{name}.py")).is_file()
            || folder.join(name).join("__init__.py").is_file())
}

/// Returns whether a top-level module is one of the project's own. A module beside the script that
/// is not packed counts too: `script.local-imports` reports it.
pub(super) fn is_local(subject: &Subject<'_>, top: &str) -> bool {
    let project = subject.project;
    project.entry_script.parent().is_some_and(|folder| is_module(folder, top))
        || project
            .source_directory
            .as_ref()
            .is_some_and(|source| is_module(&source.path, top) || source.path.join(top).is_dir())
}
