//! The contents of all packages of an environment.

use std::path::Path;

use mlpack_oci::{Digest, in_parallel};

use super::{Modules, PackageContents, cache, read};
use crate::Result;
use crate::fetch::Fetched;
use mlpack_lock::ArtifactKind;
use mlpack_lock::LockedEnvironment;
use mlpack_packages::cache::store;
use mlpack_packages::cache::store::Store;
use mlpack_packages::conda::archive::StoredConda;
use mlpack_packages::wheel::archive::StoredWheel;
use mlpack_source_build::builder;

/// What an environment's packages hold.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// With the name of the package; conda's first.
    pub(crate) packages: Vec<(String, PackageContents)>,
}

impl Inventory {
    /// What is known without a look into any archive; nothing if some package was never read.
    ///
    /// # Errors
    /// The cache's own.
    pub fn known(environment: &LockedEnvironment, cache: &Path) -> Result<Option<Self>> {
        let store = Store::new(cache);
        let mut packages = Vec::new();
        for package in &environment.conda {
            let Some(contents) = cache::get(&store, &package.sha256) else { return Ok(None) };
            packages.push((package.name.clone(), contents));
        }
        for package in &environment.packages {
            let artifact = &package.artifact;
            let sha256 = match artifact.kind {
                ArtifactKind::Wheel => artifact.sha256,
                ArtifactKind::Sdist | ArtifactKind::Folder => {
                    match builder::stored(&store, &environment.target, &artifact.sha256) {
                        Some(built) => store::digest_file(&built)?,
                        None => return Ok(None),
                    }
                }
            };
            let Some(contents) = cache::get(&store, &sha256) else { return Ok(None) };
            packages.push((package.name.clone(), contents));
        }
        Ok(Some(Self { packages }))
    }

    /// Reads the archives that were never read, on up to so many threads.
    ///
    /// # Errors
    /// [`mlpack_packages::Error::InvalidWheel`] and [`mlpack_packages::Error::InvalidConda`] for an archive that cannot be
    /// read, or the cache's own.
    pub fn read(fetched: &Fetched, cache: &Path, threads: usize) -> Result<Self> {
        let store = Store::new(cache);
        let all: Vec<Archive<'_>> = fetched
            .conda
            .iter()
            .map(Archive::Conda)
            .chain(fetched.wheels.iter().map(Archive::Wheel))
            .collect();
        let read = |number: usize| {
            let archive = &all[number];
            Ok::<_, crate::Error>((archive.name().to_owned(), archive.contents(&store)?))
        };
        Ok(Self { packages: in_parallel(all.len(), threads, read)? })
    }

    /// The Pythons that packages are for, with their names, as far as they say.
    pub fn required_pythons(&self) -> impl Iterator<Item = (&str, &str)> {
        self.packages.iter().filter_map(|(name, contents)| {
            Some((name.as_str(), contents.requires_python.as_deref()?))
        })
    }

    /// Everything that can be imported.
    pub fn modules(&self) -> Modules {
        let mut all = Modules::default();
        for (_, contents) in &self.packages {
            all.extend(&contents.modules);
        }
        all
    }
}

/// Of one kind or the other.
enum Archive<'a> {
    Conda(&'a StoredConda),
    Wheel(&'a StoredWheel),
}

impl Archive<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Conda(stored) => &stored.package.name,
            Self::Wheel(stored) => &stored.name,
        }
    }

    fn contents(&self, store: &Store) -> Result<PackageContents> {
        let sha256: Digest = match self {
            Self::Conda(stored) => stored.package.sha256,
            Self::Wheel(stored) => stored.sha256,
        };
        if let Some(contents) = cache::get(store, &sha256) {
            return Ok(contents);
        }
        let contents = match self {
            Self::Conda(stored) => read::conda(stored)?,
            Self::Wheel(stored) => read::wheel(stored)?,
        };
        cache::put(store, &sha256, &contents)?;
        Ok(contents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_wheels::TestWheel;
    use mlpack_lock::{Artifact, ArtifactOrigin, LockedPackage};
    use mlpack_requirements::{Architecture, PythonVersion, Target};

    #[test]
    fn an_archive_is_read_once() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("cache");
        let program = std::fs::read("/proc/self/exe").unwrap();
        let wheel = TestWheel::new("demo")
            .file("demo/__init__.py", "")
            .file("demo-1.data/platlib/other.py", "")
            .file("demo-1.data/scripts/run.py", "")
            .bytes("demo/_fast.so", &program)
            .store(dir.path());
        let fetched = Fetched { conda: Vec::new(), wheels: vec![wheel.clone()] };
        let environment = LockedEnvironment {
            target: Target {
                python: PythonVersion::new(3, 6, 15),
                glibc: mlpack_requirements::Glibc(2, 27),
                architecture: Architecture::Amd64,
                interpreter: "/usr/bin/python3.6".to_owned(),
            },
            prefix: "/e".to_owned(),
            conda: Vec::new(),
            packages: vec![LockedPackage {
                name: "demo".to_owned(),
                version: "1".to_owned(),
                artifact: Artifact {
                    kind: ArtifactKind::Wheel,
                    filename: "demo-1-py3-none-any.whl".to_owned(),
                    origin: ArtifactOrigin::Path(wheel.path.clone()),
                    size: None,
                    sha256: wheel.sha256,
                },
            }],
        };
        assert!(Inventory::known(&environment, &cache).unwrap().is_none());
        let read = Inventory::read(&fetched, &cache, 2).unwrap();
        assert_eq!(read.modules().iter().collect::<Vec<_>>(), ["demo", "other"]);
        let [library] = &read.packages[0].1.libraries[..] else { panic!("{read:?}") };
        assert_eq!((library.file_name(), &*library.path), ("_fast.so", "demo/_fast.so"));
        assert!(library.needed.contains(&"libc.so.6".to_owned()));

        std::fs::write(&wheel.path, "no wheel any more").unwrap();
        let known = Inventory::known(&environment, &cache).unwrap().unwrap();
        assert_eq!(known.packages, read.packages);
        assert_eq!(Inventory::read(&fetched, &cache, 1).unwrap().packages, read.packages);
    }
}
