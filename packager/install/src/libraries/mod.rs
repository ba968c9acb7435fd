//! Libraries that packages need and neither the environment nor the image below it has. Wheels
//! promise to need little (PEP 599, PEP 600), but that little is not in every slim image.

use std::collections::{BTreeMap, BTreeSet};

use crate::contents::Inventory;
use mlpack_requirements::Architecture;

const DEBIAN: &str = include_str!("debian.txt");

/// Libraries that packages load by name while they run, which their files do not declare: the
/// package and the beginning of the name, behind which any version will do (their documentation,
/// "Installation"; for dotnetcore2, which azureml-dataprep starts, ".NET Core dependencies").
const LOADED: &[(&str, &str)] = &[
    ("dotnetcore2", "libicuuc.so"),
    ("dotnetcore2", "libssl.so.1"),
    ("python-magic", "libmagic.so.1"),
    ("pyzbar", "libzbar.so.0"),
    ("cairocffi", "libcairo.so.2"),
    ("weasyprint", "libpango-1.0.so.0"),
];

/// The dynamic loader and what belongs to the C library itself (GNU C Library, "Name Service
/// Switch", "libpthread merged": since 2.34 some are only shells).
const GLIBC: &[&str] = &[
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "libutil.so.1",
    "libresolv.so.2",
    "libanl.so.1",
    "libmvec.so.1",
    "libBrokenLocale.so.1",
    "libthread_db.so.1",
    "linux-vdso.so.1",
];

/// Libraries that the driver of a graphics card mounts into the container when it starts (NVIDIA Container
/// Toolkit, "Driver capabilities").
const DRIVER: &[&str] = &[
    "libcuda.so",
    "libnvidia-",
    "libnvcuvid.so",
    "libnvoptix.so",
    "libcudadebugger.so",
    "libhsa-runtime64.so",
];

/// The libraries of the base image.
#[derive(Clone, Copy)]
pub struct BaseLibraries<'a> {
    /// Names of files in the folders that the loader searches.
    pub names: &'a BTreeSet<String>,
    /// Whether there is a file at an absolute path.
    pub holds: &'a dyn Fn(&str) -> bool,
}

/// A library that is nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingLibrary {
    /// The package whose files need it.
    pub package: String,
    /// Its name: `libGL.so.1`, or the beginning of it where the version does not matter.
    pub soname: String,
    /// The files that need it, as the package has them; none if it is loaded by its name.
    pub files: Vec<String>,
}

impl MissingLibrary {
    /// Packages of Debian or Ubuntu that contain it, the usual one first.
    pub fn debian(&self) -> impl Iterator<Item = &'static str> {
        let known = DEBIAN
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(str::split_whitespace)
            .find_map(|mut words| (words.next() == Some(&self.soname)).then_some(words));
        known.into_iter().flatten()
    }

    /// The minor version of a Python whose own library it is: `3.11` of `libpython3.11.so.1.0`.
    pub fn python(&self) -> Option<&str> {
        let version = self.soname.strip_prefix("libpython")?.split(".so").next()?;
        Some(version.trim_end_matches(['m', 'd', 't']))
    }
}

impl Inventory {
    /// The libraries that are nowhere, sorted by package and name. A library of any package counts
    /// for all: the order in which packages load their parts is not known.
    pub fn missing_libraries(
        &self,
        architecture: Architecture,
        base: BaseLibraries<'_>,
    ) -> Vec<MissingLibrary> {
        let mut provided = BTreeSet::new();
        for (_, contents) in &self.packages {
            provided.extend(contents.links.iter().map(String::as_str));
            for library in &contents.libraries {
                provided.insert(library.file_name());
                provided.extend(library.soname.as_deref());
            }
        }
        let mut missing: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
        for (package, contents) in &self.packages {
            // Some wheels carry helpers for other machines.
            let own = contents.libraries.iter().filter(|found| found.architecture == architecture);
            for library in own {
                for name in &library.needed {
                    let found = comes_by_itself(name)
                        || provided.contains(name.as_str())
                        || base.names.contains(name)
                        || library.search.iter().any(|dir| (base.holds)(&format!("{dir}/{name}")));
                    if !found {
                        missing.entry((package, name)).or_default().push(library.path.clone());
                    }
                }
            }
        }
        for (package, start) in LOADED {
            let there = self.packages.iter().any(|(name, _)| name == package);
            let has = |name: &&str| name.starts_with(start);
            let found = provided.iter().any(has) || base.names.iter().any(|name| has(&&**name));
            if there && !found {
                missing.entry((package, start)).or_default();
            }
        }
        let named = |((package, soname), files): ((&str, &str), Vec<String>)| MissingLibrary {
            package: package.to_owned(),
            soname: soname.to_owned(),
            files,
        };
        missing.into_iter().map(named).collect()
    }
}

fn comes_by_itself(name: &str) -> bool {
    GLIBC.contains(&name)
        || name.starts_with("ld-linux")
        || DRIVER.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contents::{Library, PackageContents};

    fn library(path: &str, needed: &[&str]) -> Library {
        Library {
            path: path.to_owned(),
            architecture: Architecture::Amd64,
            soname: None,
            needed: needed.iter().map(|name| (*name).to_owned()).collect(),
            search: Vec::new(),
        }
    }

    fn package(name: &str, libraries: Vec<Library>) -> (String, PackageContents) {
        (name.to_owned(), PackageContents { libraries, ..PackageContents::default() })
    }

    #[test]
    fn what_is_nowhere_is_told_by_package() {
        let searching = Library {
            search: vec!["/usr/local/cuda/lib64".to_owned()],
            ..library("gpu/_g.so", &["libcublas.so.12", "libcufft.so.11", "libcuda.so.1"])
        };
        let named = Library {
            soname: Some("libown.so.1".to_owned()),
            ..library("a.libs/libown-1234.so", &["libc.so.6", "libm.so.6"])
        };
        let arm =
            Library { architecture: Architecture::Arm64, ..library("a/arm.so", &["libodd.so.1"]) };
        let linked = PackageContents {
            links: BTreeSet::from(["libz.so.1".to_owned()]),
            ..PackageContents::default()
        };
        let inventory = Inventory {
            packages: vec![
                package(
                    "a",
                    vec![
                        named,
                        arm,
                        library("a/_a.so", &["libown.so.1", "libz.so.1", "ld-linux-x86-64.so.2"]),
                    ],
                ),
                package(
                    "cv",
                    vec![
                        library("cv/b.so", &["libGL.so.1"]),
                        library("cv/a.so", &["libGL.so.1", "libstdc++.so.6"]),
                    ],
                ),
                package("gpu", vec![searching]),
                ("zlib".to_owned(), linked),
            ],
        };
        let names = BTreeSet::from(["libstdc++.so.6".to_owned()]);
        let base = BaseLibraries {
            names: &names,
            holds: &|path| path == "/usr/local/cuda/lib64/libcublas.so.12",
        };
        let missing = |package: &str, soname: &str, files: &[&str]| MissingLibrary {
            package: package.to_owned(),
            soname: soname.to_owned(),
            files: files.iter().map(|file| (*file).to_owned()).collect(),
        };
        let found = inventory.missing_libraries(Architecture::Amd64, base);
        assert_eq!(
            found,
            [
                missing("cv", "libGL.so.1", &["cv/b.so", "cv/a.so"]),
                missing("gpu", "libcufft.so.11", &["gpu/_g.so"]),
            ]
        );
        assert_eq!(found[0].debian().collect::<Vec<_>>(), ["libgl1", "libgl1-mesa-glx"]);
        assert_eq!(found[1].debian().next(), None);
        assert_eq!(missing("a", "libpython3.7m.so.1.0", &[]).python(), Some("3.7"));
        assert_eq!(found[0].python(), None);
    }

    #[test]
    fn what_is_loaded_by_name_is_told_by_package() {
        let link = PackageContents {
            links: BTreeSet::from(["libicuuc.so.58".to_owned()]),
            ..PackageContents::default()
        };
        let found = |packages: Vec<(String, PackageContents)>, names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            let base = BaseLibraries { names: &names, holds: &|_| false };
            let found = Inventory { packages }.missing_libraries(Architecture::Amd64, base);
            found.into_iter().map(|one| (one.soname, one.files.len())).collect::<Vec<_>>()
        };
        let dotnet = || package("dotnetcore2", Vec::new());
        let missing = |names: &[&str]| -> Vec<_> {
            names.iter().map(|name| ((*name).to_owned(), 0)).collect()
        };
        assert_eq!(found(vec![dotnet()], &[]), missing(&["libicuuc.so", "libssl.so.1"]));
        let names = ["libicuuc.so.60", "libssl.so.1.1"];
        assert_eq!(found(vec![dotnet()], &names), []);
        let with_icu = vec![dotnet(), ("icu".to_owned(), link)];
        assert_eq!(found(with_icu, &["libssl.so.3"]), missing(&["libssl.so.1"]));
        assert_eq!(found(vec![package("numpy", Vec::new())], &[]), []);
    }

    #[test]
    fn the_table_names_each_library_once() {
        let mut names: Vec<&str> = DEBIAN
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split(' ').next())
            .collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!((names.len(), all > 100), (all, true));
    }
}
