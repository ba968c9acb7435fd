//! A project's image in a registry.

use super::{Registry, TestContext, base, registry};

/// A project's image in a registry.
pub(crate) struct Pushed {
    pub(crate) context: TestContext,
    pub(crate) reference: String,
    _registry: Registry,
}

/// Packages a project and pushes it; `None` where no registry can run.
#[track_caller]
pub(crate) fn pushed() -> Option<Pushed> {
    let base = base("debian12-py311");
    let registry = registry(false)?;
    let mut context = TestContext::offline()?;
    context.name(&registry.host, "[HOST]");
    context.name_pattern(r"sha256:[0-9a-f]{64}", "[DIGEST]");
    let reference = format!("{}/team/digits:v1", registry.host);
    let args = [context.project(&base), vec!["--output".to_owned(), reference.clone()]].concat();
    context.mlpack(&args).ok();
    Some(Pushed { context, reference, _registry: registry })
}
