//! A base image for trying mlpack out: the catalogue's default if its registry answers, else one
//! made of this machine's own Python.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use mlpack_host_base::{POLICY, PythonInstallation, assemble};
use mlpack_oci::Location;
use mlpack_oci::layer::LayerOptions;
use mlpack_source_build::find_programs;

use crate::inputs::DEFAULT_POLICY;
use crate::{Error, Result, Session};

/// How long the catalogue's registry may take to answer.
const REACH: Duration = Duration::from_secs(10);

/// A base image and the policy that it meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseChoice {
    /// The image, as an argument.
    pub image: String,
    /// The policy.
    pub policy: String,
}

impl BaseChoice {
    /// A base that the user named.
    pub fn named(image: &str) -> Self {
        Self { image: image.to_owned(), policy: POLICY.to_owned() }
    }
}

/// Returns the catalogue's default base for Python, or why it cannot be used.
///
/// # Errors
/// If the registry settings are wrong.
pub fn catalogue_default(session: &Session) -> Result<Result<BaseChoice, String>> {
    let known = session.catalogue.default_for("python", false);
    let Some((known, Ok(Location::Registry(reference)))) =
        known.map(|known| (known, known.reference.parse()))
    else {
        return Ok(Err("the catalogue has no default".to_owned()));
    };
    let client = session.registry(None)?;
    let answer =
        async { tokio::time::timeout(REACH, client.image(&reference, &session.platform)).await };
    let image = known.reference.clone();
    Ok(match session.runtime.block_on(answer) {
        Ok(Ok(_)) => Ok(BaseChoice { image, policy: DEFAULT_POLICY.to_owned() }),
        Ok(Err(error)) => Err(format!("{image} is out of reach: {error}")),
        Err(_) => Err(format!("{image} did not answer within {} s", REACH.as_secs())),
    })
}

/// Makes a base image of the first working Python on `search_path` and returns it with Python's
/// version.
///
/// # Errors
/// [`Error::NoHostPython`], or why the only ones found do not work.
pub fn of_this_machine(session: &Session, search_path: &OsStr) -> Result<(BaseChoice, String)> {
    let python = find(search_path)?;
    let dir = session.cache.join("host-base").join(python.version());
    let options = LayerOptions { mtime: session.mtime, threads: session.threads };
    assemble(&python, Path::new("/"), &dir, options, &*session.progress)?;
    let image = format!("oci:{}", dir.display());
    Ok((BaseChoice { image, policy: POLICY.to_owned() }, python.version().to_owned()))
}

fn find(search_path: &OsStr) -> Result<PythonInstallation> {
    let candidates = |name| find_programs(Some(search_path), name);
    let mut last = None;
    for python in candidates("python3").chain(candidates("python")) {
        match PythonInstallation::query(&python) {
            Ok(python) => return Ok(python),
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or(Error::NoHostPython, Error::from))
}
