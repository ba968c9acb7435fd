//! Solves conda package lines, and explains conflicts.

pub(crate) mod explain;
pub(crate) mod installed;
pub(crate) mod solve;

use crate::error::CondaError;
use mlpack_oci::Progress;

use crate::Result;
use crate::conda::installed::InstalledByConda;
use mlpack_lock::CondaPackage;
use mlpack_lock::VirtualPackages;
use mlpack_packages::Settings;
use mlpack_packages::cache::store::Store;
use mlpack_packages::conda::channels::Channels;
use mlpack_packages::conda::fetch;
use mlpack_packages::net::client::Client;
use mlpack_requirements::{CondaFile, PythonVersion, Target};

/// What to solve.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) file: &'a CondaFile,
    pub(crate) virtual_packages: &'a VirtualPackages,
    /// The environment's folder in the image, absolute.
    pub(crate) prefix: &'a str,
    /// Packages to keep where possible.
    pub(crate) preferences: &'a [CondaPackage],
}

/// The conda packages of a new environment.
pub(crate) struct Resolution {
    pub(crate) packages: Vec<CondaPackage>,
    /// The interpreter among them.
    pub(crate) target: Target,
    /// The Python packages among them.
    pub(crate) installed: InstalledByConda,
    /// Which configuration files decided the channels.
    pub(crate) notes: Vec<String>,
}

/// Solves the conda lines for the image and fetches the archives.
///
/// # Errors
/// Those of channels, solver and archives, and [`CondaError::NoPython`].
pub(crate) async fn resolve(
    request: Request<'_>,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Resolution> {
    let Request { file, virtual_packages, prefix, preferences } = request;
    let channels = Channels::with_lines(file, settings)?;
    let packages =
        solve::solve(file, &channels, virtual_packages, preferences, settings, progress).await?;
    let python = python(&packages)?;
    let store = Store::new(&settings.cache);
    let client = Client::new(&settings.indexes)?;
    let archives = fetch::fetch(&packages, &channels, &store, &client, progress).await?;
    let installed = InstalledByConda::of(archives, store.work_folder()?)?;
    let target = Target {
        python,
        glibc: virtual_packages.glibc,
        architecture: virtual_packages.architecture,
        interpreter: format!("{prefix}/bin/python{}", python.minor_text()),
    };
    Ok(Resolution { packages, target, installed, notes: channels.notes().to_vec() })
}

/// The interpreter among the packages.
fn python(packages: &[CondaPackage]) -> Result<PythonVersion> {
    let python = packages.iter().find(|package| package.name == "python");
    let bad = |reason: String| CondaError::NoPython { reason };
    let python = python.ok_or_else(|| bad("no package is named `python`".to_owned()))?;
    let version = &python.version;
    Ok(version.parse().map_err(|_| bad(format!("`{version}` is not a release of Python")))?)
}
