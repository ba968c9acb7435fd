//! Why an import fails: which module is not there, and who has it.

use mlpack_install::Modules;
use mlpack_requirements::PythonVersion;

use crate::analysis::python::Import;
use crate::check::modules::absent;
use crate::check::resolved::Resolved;
use crate::check::tables::{self, Moved, Span};

/// An import that fails.
pub(super) struct FailingImport {
    /// The module that is not there.
    pub(super) module: String,
    /// What is wrong.
    pub(super) message: String,
    /// What to do about it.
    pub(super) hint: String,
    /// Whether it fails for certain.
    pub(super) certain: bool,
}

impl FailingImport {
    /// Returns why an import fails.
    pub(super) fn find(
        resolved: &Resolved<'_>,
        modules: &Modules,
        injected: &[&str],
        import: &Import,
    ) -> Option<Self> {
        let python = resolved.environment.target.python;
        let span = tables::stdlib(import.top());
        if span.is_some_and(|span| span.includes(python)) {
            return None;
        }
        // setuptools has a copy (setuptools, "Porting from Distutils").
        if import.top() == "distutils" && modules.lacks("setuptools").is_none() {
            return None;
        }
        let injected = |name: &str| injected.iter().any(|module| name.starts_with(module));
        let lacking = wanted(import).into_iter().find_map(|name| {
            let part = modules.lacks(&name).filter(|_| !injected(&name))?;
            Some(part.to_owned())
        });
        let Some(lacking) = lacking else {
            return moved(resolved, modules, import).or_else(|| {
                let part = absent(modules, &import.module).filter(|_| !injected(&import.module))?;
                Some(Self {
                    module: part.to_owned(),
                    message: format!("{}: its package has no `{part}`", shown(import)),
                    hint: "check the spelling, or use a release that has it".to_owned(),
                    certain: false,
                })
            });
        };
        let usual = tables::packages_of(&lacking).into_iter().next()?;
        if let Some(span) = span {
            return Some(of_another_python(python, span, import, &usual));
        }
        let hint = match resolved.environment.package(&usual) {
            Some(_) => format!("check the spelling: {usual} is installed and has no such module"),
            None if tables::is_known(&lacking) => format!("add {usual} to the pip list"),
            None => {
                format!("add the package that has it to the pip list; mostly it is called {usual}")
            }
        };
        let message =
            format!("`import {}`: no package of the environment has `{lacking}`", import.module);
        Some(Self::certain(&lacking, message, hint))
    }

    fn certain(module: &str, message: String, hint: String) -> Self {
        Self { module: module.to_owned(), message, hint, certain: true }
    }
}

/// Returns why an import of a module fails that only other releases of its package have.
fn moved(resolved: &Resolved<'_>, modules: &Modules, import: &Import) -> Option<FailingImport> {
    let names = import.names.iter().map(|name| format!("{}.{name}", import.module));
    let names: Vec<String> = std::iter::once(import.module.clone()).chain(names).collect();
    let known = |name: &String| tables::moved(name).filter(|_| !modules.has(name));
    let moved = names.iter().find_map(known)?;
    let Moved { module, package, since, before } = moved;
    let release = resolved.release(package).filter(|release| !moved.is_in(release))?;
    let (message, pin) = match (since, before) {
        (_, Some(before)) => (
            format!("{package} {release} has no `{module}`, which releases before {before} had"),
            format!("{package}<{before}"),
        ),
        (since, None) => {
            let since = since.unwrap_or_default();
            (
                format!("{package} {release} has no `{module}`, which {since} has"),
                format!("{package}>={since}"),
            )
        }
    };
    let edit = match module.rsplit_once('.') {
        Some(("sklearn.externals", name)) => {
            format!("write `import {name}` and add {name} to the pip list")
        }
        Some((parent, _))
            if package == "scikit-learn" && import.module == module && !import.names.is_empty() =>
        {
            format!("write `from {parent} import {}`", import.names.join(", "))
        }
        _ => format!("import it from where {package} {release} has it"),
    };
    let message = format!("{}: {message}", shown(import));
    Some(FailingImport::certain(module, message, format!("{edit}, or pin {pin}")))
}

/// An import as it is written.
fn shown(import: &Import) -> String {
    match import.names[..] {
        [] => format!("`import {}`", import.module),
        _ => format!("`from {} import {}`", import.module, import.names.join(", ")),
    }
}

/// Returns the modules that an import needs; the names after `from azureml import` are modules too.
fn wanted(import: &Import) -> Vec<String> {
    let shared = matches!(import.module.as_str(), "azureml" | "azure" | "google" | "google.cloud");
    if !shared || import.names.is_empty() {
        return vec![import.module.clone()];
    }
    import.names.iter().map(|name| format!("{}.{name}", import.module)).collect()
}

fn of_another_python(
    python: PythonVersion,
    span: Span,
    import: &Import,
    usual: &str,
) -> FailingImport {
    let when = match (span.first, span.last) {
        (Some(first), _) if python.minor < first => format!("only from Python 3.{first} on"),
        (_, last) => format!("only up to Python 3.{}", last.unwrap_or(python.minor)),
    };
    FailingImport::certain(
        import.top(),
        format!(
            "`import {}`: Python has it {when}, the image has {}",
            import.module,
            python.minor_text()
        ),
        format!("add a package that provides it ({usual}) to the pip list, or remove the import"),
    )
}
