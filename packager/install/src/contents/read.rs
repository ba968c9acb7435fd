//! Reading the contents of a wheel and of a conda archive.

use std::io::{self, Read};

use mlpack_elf::{Elf, Machine, Open};

use super::{Library, Modules, PackageContents};
use crate::Result;
use mlpack_packages::conda::archive::StoredConda;
use mlpack_packages::conda::archive::{CondaArchive, Entry};
use mlpack_packages::wheel::archive::{StoredWheel, WheelFile};
use mlpack_requirements::Architecture;

/// Reads a wheel.
pub(super) fn wheel(stored: &StoredWheel) -> Result<PackageContents> {
    let wheel = WheelFile::open(&stored.path)?;
    let data = format!("{}.data/", wheel.dist_info()?.trim_end_matches(".dist-info"));
    let site = |path: &'_ str| -> Option<String> {
        let Some(rest) = path.strip_prefix(&data) else { return Some(path.to_owned()) };
        let (scheme, rest) = rest.split_once('/')?;
        matches!(scheme, "purelib" | "platlib").then(|| rest.to_owned())
    };
    let mut libraries = Vec::new();
    for (path, member) in wheel.members() {
        if !may_be_compiled(path, member.executable) {
            continue;
        }
        let found = library(path, &|| Ok(wheel.stream(*member)));
        libraries
            .extend(found.map_err(|error| wheel.bad(format!("cannot read `{path}`: {error}")))?);
    }
    let paths: Vec<String> = wheel.members().keys().filter_map(|path| site(path)).collect();
    let modules = Modules::of(paths.iter().map(String::as_str));
    let requires_python = header(&wheel.metadata()?, "Requires-Python");
    Ok(PackageContents { modules, libraries, requires_python, ..PackageContents::default() })
}

/// A field of metadata, which ends at the first empty line.
fn header(metadata: &str, name: &str) -> Option<String> {
    let lines = metadata.lines().take_while(|line| !line.is_empty());
    let mut fields = lines.filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(field, _)| field.eq_ignore_ascii_case(name))?;
    Some(value.trim().to_owned())
}

/// Reads a conda archive.
pub(super) fn conda(stored: &StoredConda) -> Result<PackageContents> {
    let archive = CondaArchive::open(stored)?;
    let mut contents = PackageContents::default();
    let mut paths = Vec::new();
    for (path, entry) in archive.entries().iter().filter(|(path, _)| !path.starts_with("info/")) {
        paths.extend(in_site_packages(path));
        match entry {
            Entry::File(member) if may_be_compiled(path, member.executable) => {
                let found = library(path, &|| {
                    archive.stream(*member).map(|stream| Box::new(stream) as Box<dyn Read + Send>)
                });
                let found = found.map_err(|error| archive.bad(format!("`{path}`: {error}")))?;
                contents.libraries.extend(found);
            }
            Entry::Link(_) if may_be_compiled(path, false) => {
                contents.links.insert(path.rsplit('/').next().unwrap_or(path).to_owned());
            }
            _ => {}
        }
    }
    contents.modules = Modules::of(paths);
    Ok(contents)
}

/// `lib/python3.6/site-packages/x`, and `site-packages/x` of packages for every Python.
fn in_site_packages(path: &str) -> Option<&str> {
    if let Some(inside) = path.strip_prefix("site-packages/") {
        return Some(inside);
    }
    let (version, rest) = path.strip_prefix("lib/python")?.split_once('/')?;
    version.split('.').all(|part| part.bytes().all(|byte| byte.is_ascii_digit())).then_some(())?;
    rest.strip_prefix("site-packages/")
}

/// Libraries by their name, programs by their mode; their bytes decide.
fn may_be_compiled(path: &str, executable: bool) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let library = name.ends_with(".so") || name.contains(".so.");
    library || (executable && !name.contains('.'))
}

fn library(path: &str, open: Open<'_>) -> io::Result<Option<Library>> {
    let Some(Elf { machine, dynamic: Some(found), .. }) = Elf::read_stream(open)? else {
        return Ok(None);
    };
    let architecture = match machine {
        Machine::X86_64 => Architecture::Amd64,
        Machine::Aarch64 => Architecture::Arm64,
        Machine::Other(_) => return Ok(None),
    };
    let search = found.search().filter(|dir| dir.starts_with('/')).map(str::to_owned).collect();
    let name = path.rsplit('/').next().unwrap_or(path);
    Ok(Some(Library {
        path: path.to_owned(),
        architecture,
        soname: found.soname.filter(|soname| soname != name),
        needed: found.needed,
        // What is relative to the file leads into its own package or another one.
        search,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_may_be_compiled() {
        for yes in ["a/_x.so", "a.libs/libgomp-a34b.so.1.0.0", "lib/libz.so.1"] {
            assert!(may_be_compiled(yes, false), "{yes}");
        }
        assert!(may_be_compiled("bin/tool", true));
        for no in ["a/x.py", "bin/tool", "a/some.txt"] {
            assert!(!may_be_compiled(no, false), "{no}");
        }
    }

    #[test]
    fn modules_of_conda_archives() {
        assert_eq!(in_site_packages("site-packages/a/b.py"), Some("a/b.py"));
        assert_eq!(in_site_packages("lib/python3.11/site-packages/a.py"), Some("a.py"));
        for no in ["lib/python3.11/json/a.py", "lib/pythonic/site-packages/a.py", "bin/a"] {
            assert_eq!(in_site_packages(no), None, "{no}");
        }
    }
}
