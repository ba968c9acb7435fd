//! Interpreters that build sources: those of this machine, and where none of them is of the
//! target's minor version, the one that the conda environment contains.

use mlpack_oci::Progress;

use crate::Result;
use crate::build_python;
use crate::host_python;
use crate::host_python::HostPython;
use mlpack_packages::Settings;
use mlpack_packages::cache::store::Store;
use mlpack_packages::conda::archive::StoredConda;
use mlpack_requirements::Target;

/// What was found.
#[derive(Debug, Default)]
pub struct Interpreters {
    /// Those of the target's minor version first, then the newest.
    pub list: Vec<HostPython>,
    /// Why the one of the environment is not among them, where it was tried.
    own: Option<String>,
}

/// Looks for interpreters; `conda` are the packages of the environment.
///
/// # Errors
/// Those of the archives and of the cache.
pub async fn find(
    settings: &Settings,
    store: &Store,
    target: &Target,
    conda: &[StoredConda],
    progress: &dyn Progress,
) -> Result<Interpreters> {
    let mut all =
        Interpreters { list: host_python::find(settings, target.python).await, own: None };
    if conda.is_empty() || all.matching(target).is_some() {
        return Ok(all);
    }
    match build_python::stage(conda, target, store, progress).await? {
        Ok(python) => all.list.insert(0, python),
        Err(reason) => all.own = Some(reason),
    }
    Ok(all)
}

impl Interpreters {
    /// The one whose compiled files the target loads.
    pub fn matching(&self, target: &Target) -> Option<&HostPython> {
        let machine = target.architecture.machine();
        self.list
            .iter()
            .find(|host| host.version.same_minor(target.python) && host.machine == machine)
    }

    /// That something is missing, and why the environment's own interpreter does not help.
    pub fn explain(&self, missing: &str) -> String {
        match &self.own {
            Some(reason) => {
                format!("{missing}, and the environment's own cannot be run here: {reason}")
            }
            None => missing.to_owned(),
        }
    }
}
