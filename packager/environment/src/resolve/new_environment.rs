//! An environment with an interpreter of its own: conda packages first, then the `pip:` list on top.

use std::fs;
use std::path::Path;

use mlpack_oci::Progress;

use crate::lock::conda_package::CondaPackage;
use crate::lock::environment::LockedEnvironment;
use crate::lock::virtual_packages::VirtualPackages;
use crate::packages::cache::store::Store;
use crate::packages::conda;
use crate::packages::conda::archive::StoredConda;
use crate::packages::conda::channels::Channels;
use crate::packages::conda::installed::InstalledPackage;
use crate::packages::net::client::Client;
use crate::packages::settings::Settings;
use crate::resolve::conda::solve::solve;
use crate::resolve::pip::compile::Present;
use crate::resolve::pip::resolve::resolve_beside;
use crate::resolve::pip::resolve::{Resolution, ResolveRequest};
use crate::{CondaFile, Error, PythonVersion, Result, Target};
use mlpack_oci::pending::PendingFolder;

/// What to resolve.
#[derive(Debug, Clone, Copy)]
pub struct NewEnvironment<'a> {
    /// The conda file.
    pub file: &'a CondaFile,
    /// What the image offers.
    pub virtual_packages: &'a VirtualPackages,
    /// Where the environment will lie in the image, absolute.
    pub prefix: &'a str,
    /// Where relative lines of the `pip:` list start; an existing folder.
    pub directory: &'a Path,
    /// Whether an inference server is added where the list brings none.
    pub add_server: bool,
    /// Packages that stay as they are wherever they can.
    pub held: Option<&'a LockedEnvironment>,
}

/// Solves the conda lines for the image, fetches the archives, and resolves the `pip:` list for the
/// interpreter among them; what conda brings counts as installed.
///
/// # Errors
/// Those of channels, solver and archives, [`Error::NoCondaPython`], and those of
/// [`crate::resolve::pip::resolve::resolve`].
pub async fn resolve_new(
    request: NewEnvironment<'_>,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Resolution> {
    let NewEnvironment { file, virtual_packages, prefix, .. } = request;
    let channels = Channels::with_lines(file, settings)?;
    let held = request.held.map_or(&[][..], |held| &held.conda);
    let packages = solve(file, &channels, virtual_packages, held, settings, progress).await?;
    let python = python(&packages)?;
    let store = Store::new(&settings.cache);
    store.sweep_artifacts();
    let client = Client::new(&settings.indexes)?;
    let stored = conda::fetch(&packages, &channels, &store, &client, progress).await?;
    let installed = conda::installed(&stored)?;
    let folder = store.work_folder()?;
    let present = present(&installed, stored, &folder)?;
    let target = Target {
        python,
        glibc: virtual_packages.glibc,
        architecture: virtual_packages.architecture,
        interpreter: format!("{prefix}/bin/python{}", python.minor_text()),
    };
    let pip = ResolveRequest {
        target: &target,
        pip: &file.pip,
        directory: request.directory,
        add_server: request.add_server,
        held: request.held,
    };
    let mut resolution = resolve_beside(pip, Some(&present), settings, progress).await?;
    resolution.notes.splice(0..0, channels.notes().iter().cloned());
    resolution.environment.prefix = prefix.to_owned();
    resolution.environment.conda = packages;
    Ok(resolution)
}

/// The interpreter among the packages.
fn python(packages: &[CondaPackage]) -> Result<PythonVersion> {
    let python = packages.iter().find(|package| package.name == "python");
    let bad = |reason: String| Error::NoCondaPython { reason };
    let python = python.ok_or_else(|| bad("there is no package `python` among them".to_owned()))?;
    python.version.parse().map_err(|_| bad(format!("python {} is no release", python.version)))
}

fn present(
    installed: &[InstalledPackage],
    archives: Vec<StoredConda>,
    folder: &PendingFolder,
) -> Result<Present> {
    let stand_ins = folder.path().join("installed");
    fs::create_dir(&stand_ins).map_err(Error::io("create", &stand_ins))?;
    conda::stand_ins(installed, &stand_ins)?;
    let constraints = folder.path().join("installed.txt");
    let packages: Vec<_> =
        installed.iter().map(|package| (package.name.clone(), package.version.clone())).collect();
    let lines: String = installed
        .iter()
        .map(|package| {
            format!("{}=={}  # conda package {}\n", package.name, package.version, package.conda)
        })
        .collect();
    fs::write(&constraints, lines).map_err(Error::io("write", &constraints))?;
    Ok(Present { packages, archives, stand_ins, constraints })
}
