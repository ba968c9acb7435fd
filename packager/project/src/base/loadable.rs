//! What programs of a base image can load: shared libraries and Python modules.

use std::collections::BTreeSet;

use mlpack_install::Modules;
use mlpack_oci::rootfs::{Kind, RootFs};

/// Folders that the dynamic loader of every distribution searches (ld.so(8)); Debian's have one
/// below them for each architecture.
const LIBRARIES: &[&str] =
    &["lib", "lib64", "usr/lib", "usr/lib64", "usr/local/lib", "usr/local/lib64"];

/// Returns the names of the shared libraries in the folders that the loader searches: the usual
/// ones, those of `ld.so.conf`, of `LD_LIBRARY_PATH` among the image's variables, and `more`.
pub fn shared_libraries(root: &RootFs, env: &[String], more: &[String]) -> BTreeSet<String> {
    let mut folders: BTreeSet<String> = BTreeSet::new();
    let mut add = |dir: &str| {
        if let Some(found) = root.find(dir) {
            folders.insert(found.path);
        }
    };
    for dir in LIBRARIES {
        add(dir);
        for machine in ["x86_64", "aarch64"] {
            add(&format!("{dir}/{machine}-linux-gnu"));
        }
    }
    let configured = root.kept().filter(|(path, _)| {
        *path == "etc/ld.so.conf"
            || (path.starts_with("etc/ld.so.conf.d/") && path.ends_with(".conf"))
    });
    for (_, text) in configured {
        text.lines().map(str::trim).filter(|line| line.starts_with('/')).for_each(&mut add);
    }
    let path = env.iter().find_map(|line| line.strip_prefix("LD_LIBRARY_PATH="));
    path.into_iter().flat_map(|dirs| dirs.split(':')).for_each(&mut add);
    more.iter().map(String::as_str).for_each(&mut add);
    let mut names = BTreeSet::new();
    for dir in &folders {
        for (path, found) in root.below(dir) {
            let name = path.strip_prefix(dir.as_str()).unwrap_or(path).trim_start_matches('/');
            let library = !name.contains('/') && name.contains(".so");
            let there = match found.entry.kind {
                Kind::File(_) | Kind::Hardlink(_) => true,
                Kind::Symlink(_) => root.find(path).is_some(),
                _ => false,
            };
            if library && there {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

/// Returns what an interpreter of the image can import besides the standard library.
pub fn modules(root: &RootFs, env: &[String], interpreter: &str, minor: &str) -> Modules {
    let prefix = interpreter.rsplit_once("/bin/").map_or("/usr", |(prefix, _)| prefix);
    let version = format!("python{minor}");
    let mut dirs = vec![
        format!("{prefix}/lib/{version}/site-packages"),
        // Debian's own.
        format!("{prefix}/lib/{version}/dist-packages"),
        format!("{prefix}/local/lib/{version}/dist-packages"),
        format!("{prefix}/lib/python3/dist-packages"),
    ];
    let path = env.iter().find_map(|line| line.strip_prefix("PYTHONPATH="));
    dirs.extend(path.into_iter().flat_map(|dirs| dirs.split(':')).map(str::to_owned));
    let mut all = Modules::default();
    for dir in dirs.iter().filter(|dir| !dir.is_empty()) {
        let Some(found) = root.find(dir) else { continue };
        let start = found.path.len() + 1;
        all.extend(&Modules::of(
            root.below(&found.path)
                .filter(|(_, found)| !matches!(found.entry.kind, Kind::Directory))
                .filter_map(|(path, _)| path.get(start..)),
        ));
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mlpack_oci::rootfs::{Entry, LayerIndex};

    use super::*;

    fn root() -> RootFs {
        let entry = |kind| Entry { kind, mode: 0o644, uid: 0, gid: 0, stamp: None };
        let files = [
            "usr/lib/x86_64-linux-gnu/libz.so.1.2.11",
            "usr/lib/x86_64-linux-gnu/blas/libblas.so.3",
            "usr/lib/python3/dist-packages/apt/__init__.py",
            "usr/local/lib/python3.6/dist-packages/six.py",
            "usr/lib/python3.6/json/__init__.py",
            "opt/conda/lib/libssl.so.1.1",
            "opt/vendor/libvendor.so",
            "etc/ld.so.conf.d/vendor.conf",
            "opt/cuda/lib64/libcublas.so.12",
            "extra/own/__init__.py",
        ];
        let mut entries: BTreeMap<String, Entry> =
            files.iter().map(|path| ((*path).to_owned(), entry(Kind::File(1)))).collect();
        for (path, target) in [
            ("lib", "usr/lib"),
            ("usr/lib/x86_64-linux-gnu/libz.so.1", "libz.so.1.2.11"),
            ("usr/lib/x86_64-linux-gnu/libgone.so.1", "libgone.so.1.0"),
        ] {
            entries.insert(path.to_owned(), entry(Kind::Symlink(target.to_owned())));
        }
        let kept = [("etc/ld.so.conf.d/vendor.conf".to_owned(), "# own\n/opt/vendor\n".to_owned())];
        RootFs::merge([&LayerIndex { entries, kept: kept.into(), ..LayerIndex::default() }])
    }

    #[test]
    fn libraries_that_the_loader_finds() {
        let env = ["LD_LIBRARY_PATH=/opt/cuda/lib64:/nowhere".to_owned()];
        let found = shared_libraries(&root(), &env, &["/opt/conda/lib".to_owned()]);
        assert_eq!(
            found.iter().collect::<Vec<_>>(),
            ["libcublas.so.12", "libssl.so.1.1", "libvendor.so", "libz.so.1", "libz.so.1.2.11"]
        );
        assert!(!shared_libraries(&root(), &[], &[]).contains("libssl.so.1.1"));
    }

    #[test]
    fn modules_of_the_bases_interpreter() {
        let env = ["PYTHONPATH=/extra".to_owned()];
        let found = modules(&root(), &env, "/usr/bin/python3.6", "3.6");
        assert_eq!(found.iter().collect::<Vec<_>>(), ["apt", "own", "six"]);
    }
}
