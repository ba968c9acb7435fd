//! Python modules: of the project itself, and those that a package does not have.

use std::path::Path;

use mlpack_install::Modules;

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

/// Packages that make up modules when they are imported.
const MAKES_UP: &[&str] =
    &["google", "jax", "keras", "pkg_resources", "setuptools", "six", "tensorflow", "torch"];

/// Returns the part of a module that its package, which is there, does not have.
pub(super) fn absent<'n>(modules: &Modules, module: &'n str) -> Option<&'n str> {
    let top = module.split('.').next().unwrap_or_default();
    modules.absent(module).filter(|_| !MAKES_UP.contains(&top))
}
