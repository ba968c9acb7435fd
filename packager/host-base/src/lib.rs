//! A base image assembled from this machine's Python and C library, for use when no published base can
//! be reached.
//!
//! os-release, labels and annotations state its origin. It has two layers: the system, and Python under
//! `/usr/local`. The machine's packages, users, settings and additional certificate authorities are not
//! included.

mod certificates;
mod document;
mod error;
mod interpreter;
mod libraries;
mod python;
mod release;
mod rooted;
mod stdlib;
mod system;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use mlpack_oci::layer::{Compression, LayerOptions, write_layer};
use mlpack_oci::layout::Layout;
use mlpack_oci::{Image, Platform, Progress};

pub use document::LABEL;
pub use error::{Error, Result};
pub use python::PythonInstallation;

use libraries::Libraries;
use mlpack_elf::{Elf, Machine};
use rooted::Root;

/// The policy that such a base is checked against.
pub const POLICY: &str = "current";

/// The processors with the names that Rust and Go give them.
const MACHINES: [(&str, &str, Machine); 2] =
    [("x86_64", "amd64", Machine::X86_64), ("aarch64", "arm64", Machine::Aarch64)];

/// Assembles a base image from `python` and the system below `root` (normally `/`) into an OCI
/// layout at `dir`, where it replaces the untagged image. The same files give the same digest. Missing
/// optional parts are reported as notes.
///
/// # Errors
/// [`Error`] names what is missing or of the wrong kind; [`Error::hint`] says what to do.
pub fn assemble(
    python: &PythonInstallation,
    root: &Path,
    dir: &Path,
    options: LayerOptions,
    progress: &dyn Progress,
) -> Result<Image> {
    let root = Root::new(root);
    let (architecture, platform, machine) = machine()?;
    let loader = loader(&root, python, machine)?;
    for module in python.missing() {
        progress
            .note(&format!("Python {} of this machine has no module `{module}`", python.version()));
    }
    let libraries = || Libraries::new(&root, machine, architecture);
    let system = system::system(&root, libraries(), &loader, progress)?;
    let upper = interpreter::layer(&root, libraries(), python, &system, progress)?;

    let layout = Layout::create(dir)?;
    let store = layout.blobs()?;
    let layers = [
        (format!("C library and system files of {}", system.name), &system.tree),
        (format!("CPython {} under /usr/local", python.version()), &upper),
    ]
    .into_iter()
    .map(|(what, tree)| {
        let meter = progress.begin(&format!("Assembling {what}"), Some(tree.size()));
        let layer = write_layer(tree, Compression::Gzip, options, &store, &*meter)?;
        meter.finish("compressed");
        Ok((what, layer))
    })
    .collect::<Result<Vec<_>>>()?;
    let about = document::About {
        architecture: platform,
        system: &system.name,
        python: python.version(),
        created: options.mtime,
        layers: &layers,
    };
    let config = about.config();
    let manifest = about.manifest(&config);
    let place = format!("oci:{}", dir.display());
    let image = Image::new(place, manifest, config, Arc::new(store))?;
    layout.put(&image, None, progress)?;
    let platform =
        Platform { os: "linux".to_owned(), architecture: platform.to_owned(), variant: None };
    Ok(layout.image(None, &platform)?)
}

/// Returns the processor of this machine with its names in Rust and Go.
fn machine() -> Result<(&'static str, &'static str, Machine)> {
    let found = std::env::consts::ARCH;
    MACHINES
        .into_iter()
        .find(|(name, ..)| *name == found)
        .ok_or_else(|| Error::Architecture { found: found.to_owned() })
}

/// Returns the dynamic loader of the interpreter, which must be GNU's.
fn loader(root: &Root, python: &PythonInstallation, machine: Machine) -> Result<String> {
    let path = python.interpreter().to_owned();
    let host = root.host(&rooted::inside(&path)?);
    let Some(elf) = Elf::read_file(&host).map_err(Error::io("read", &host))? else {
        let reason = "it is not a 64-bit ELF file".to_owned();
        return Err(Error::NotAProgram { path, reason });
    };
    if elf.machine != machine {
        let reason = format!("it is for {:?}, this machine is {machine:?}", elf.machine);
        return Err(Error::NotAProgram { path, reason });
    }
    match elf.loader {
        None => Err(Error::Static { path }),
        // `ld-linux-x86-64.so.2`, `ld-linux-aarch64.so.1`; musl's is `ld-musl-x86_64.so.1`.
        Some(loader) if !loader.rsplit('/').next().unwrap_or("").starts_with("ld-linux") => {
            Err(Error::OtherLibc { path, loader })
        }
        Some(loader) => Ok(loader),
    }
}
