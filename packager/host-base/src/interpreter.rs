//! The upper layer: the interpreter, its standard library and the libraries they need, below
//! `/usr/local`.

use std::fs;
use std::path::Path;

use mlpack_oci::Progress;
use mlpack_oci::layer::{Node, Tree};

use crate::libraries::{Libraries, Missing};
use crate::rooted::{Carrier, Root, inside};
use crate::system::System;
use crate::{Error, PythonInstallation, Result, stdlib};

/// The folder of Python: neither a home directory nor a folder of the system's packages.
const PREFIX: &str = "usr/local";

/// The largest build record that is rewritten, in bytes; real ones have about 100 KiB.
const MAX_RECORD: u64 = 4 << 20;

/// Collects the Python layer. `interpreter` is its path in `root`.
pub(crate) fn layer(
    root: &Root,
    mut libraries: Libraries<'_>,
    python: &PythonInstallation,
    system: &System,
    progress: &dyn Progress,
) -> Result<Tree> {
    let interpreter = inside(python.interpreter())?;
    libraries
        .need(&interpreter)
        .map_err(|Missing { library, needed_by }| Error::LibraryMissing { library, needed_by })?;
    let mut carrier = Carrier::new(root, Some(&system.tree));
    let name = name(python);
    let short = format!("python{}", short(python.version()));
    let bin = format!("{PREFIX}/bin");
    carrier.tree.add_file(&format!("{bin}/{name}"), &root.host(&interpreter))?;
    for (link, target) in
        [(short.as_str(), name.as_str()), ("python3", &name), ("python", "python3")]
    {
        if link != name {
            carrier.tree.add_symlink(&format!("{bin}/{link}"), target)?;
        }
    }
    modules(&mut carrier, &mut libraries, python, &name, progress)?;
    for (library, path) in &libraries.loaded {
        put_library(&mut carrier, library, path, system, progress)?;
    }
    Ok(carrier.tree)
}

fn modules(
    carrier: &mut Carrier<'_>,
    libraries: &mut Libraries<'_>,
    python: &PythonInstallation,
    name: &str,
    progress: &dyn Progress,
) -> Result<()> {
    let root = carrier.root;
    let at = root.host(&inside(python.stdlib())?);
    if !at.join("os.py").is_file() {
        let (version, path) = (python.version().to_owned(), python.stdlib().to_owned());
        return Err(Error::NoStandardLibrary { version, path });
    }
    let home = format!("{PREFIX}/{}/{name}", python.platform_library());
    carrier.tree.insert(&format!("{home}/site-packages"), Node::Directory { open: false })?;
    let mut entries: Vec<_> = stdlib::files(&at)?
        .into_iter()
        .map(|entry| (format!("{home}/{}", entry.inside), entry))
        .collect();
    if let Some(dynload) = python.dynload().filter(|dir| !dir.starts_with(python.stdlib())) {
        let dynload = stdlib::files(&root.host(&inside(dynload)?))?;
        entries.extend(
            dynload
                .into_iter()
                .map(|entry| (format!("{home}/lib-dynload/{}", entry.inside), entry)),
        );
    }
    for (path, entry) in entries {
        if stdlib::is_module(&entry.inside) {
            let source = entry.source.strip_prefix(root.host("")).unwrap_or(&entry.source);
            if let Err(missing) = libraries.need(&inside(source)?) {
                progress.note(&format!(
                    "Skipped {}: it needs {}, which is not on this machine",
                    entry.inside, missing.library
                ));
                continue;
            }
        }
        if stdlib::is_record(&entry.inside) {
            let record = record(&entry.source, python.base_prefix())?;
            carrier.tree.add_bytes(&path, record, false)?;
        } else {
            carrier.tree.add_file(&path, &entry.source)?;
        }
    }
    Ok(())
}

/// Adds a library. One in a folder that the loader always searches keeps its path. Any other is put
/// next to Python, with a link from the loader's folder: the image has no `ld.so.cache`.
fn put_library(
    carrier: &mut Carrier<'_>,
    library: &str,
    path: &str,
    system: &System,
    progress: &dyn Progress,
) -> Result<()> {
    let root = carrier.root;
    let (dir, file) = path.rsplit_once('/').unwrap_or(("", path));
    let dir = root.resolve(dir).map_err(Error::io("read", &root.host(dir)))?.real;
    let trusted = &system.library_dir;
    // `/lib/...` and `/usr/lib/...` are both searched, merged or not.
    let alternative =
        trusted.strip_prefix("usr/").map_or_else(|| format!("usr/{trusted}"), str::to_owned);
    if dir == *trusted || dir == alternative {
        return carrier.carry(path);
    }
    let target = format!("{PREFIX}/lib/{file}");
    if !carrier.has(&target) {
        let real = root.resolve(path).map_err(Error::io("read", &root.host(path)))?.real;
        carrier.tree.add_file(&target, &root.host(&real))?;
    }
    let link = format!("{trusted}/{file}");
    if carrier.has(&link) || carrier.has(&format!("{alternative}/{file}")) {
        progress
            .note(&format!("{library} exists twice: Python uses /{target}, the system /{link}"));
        return Ok(());
    }
    Ok(carrier.tree.add_symlink(&link, format!("/{target}"))?)
}

/// Returns the text with the machine's Python folder replaced by the image's. A prefix like `/usr`
/// is kept: it does not reveal a user's folder.
fn record(source: &Path, base_prefix: &Path) -> Result<Vec<u8>> {
    let size = fs::metadata(source).map_err(Error::io("read", source))?.len();
    if size > MAX_RECORD {
        let error = std::io::Error::other(format!(
            "it is too large: {size} bytes, the limit is {MAX_RECORD}"
        ));
        return Err(Error::io("read", source)(error));
    }
    let text = fs::read(source).map_err(Error::io("read", source))?;
    let (Ok(text), Some(prefix)) = (String::from_utf8(text.clone()), base_prefix.to_str()) else {
        return Ok(text);
    };
    if matches!(prefix, "/" | "/usr" | "/usr/local") {
        return Ok(text.into_bytes());
    }
    Ok(text.replace(prefix, &format!("/{PREFIX}")).into_bytes())
}

/// Returns the name of executable and library folder: `python3.13`, `python3.13t` for a free-threaded one.
fn name(python: &PythonInstallation) -> String {
    let short = format!("python{}", short(python.version()));
    let folder = python.stdlib().file_name().and_then(|name| name.to_str()).unwrap_or("");
    let suffix =
        folder.strip_prefix(&short).filter(|suffix| suffix.chars().all(|c| c.is_ascii_lowercase()));
    suffix.map_or(short.clone(), |suffix| format!("{short}{suffix}"))
}

/// Returns `3.11` for `3.11.7`.
fn short(version: &str) -> &str {
    version.match_indices('.').nth(1).map_or(version, |(end, _)| &version[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_version_has_two_numbers() {
        assert_eq!(["3.11.7", "3.14.0rc1", "3.9"].map(short), ["3.11", "3.14", "3.9"]);
    }

    #[test]
    fn a_record_names_the_image_and_not_the_machine() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("_sysconfigdata.py");
        fs::write(&file, "{'prefix': '/home/me/py', 'x': '/home/me/py/lib'}").unwrap();
        assert_eq!(
            String::from_utf8(record(&file, Path::new("/home/me/py")).unwrap()).unwrap(),
            "{'prefix': '/usr/local', 'x': '/usr/local/lib'}"
        );
        fs::write(&file, "{'prefix': '/usr', 'x': '/usr/lib'}").unwrap();
        assert_eq!(
            record(&file, Path::new("/usr")).unwrap(),
            b"{'prefix': '/usr', 'x': '/usr/lib'}"
        );
    }
}
