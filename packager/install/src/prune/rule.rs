//! The rules that look at a path only.

use serde::Serialize;

/// What is left out, and why it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Archives for linking programs.
    StaticLibraries,
    /// C headers for compiling extensions.
    Headers,
    /// Folders of tests inside packages.
    Tests,
    /// Bytecode, which does not match the fixed times of a layer anyway (docs/pitfalls.md#20).
    Caches,
    /// What lets a browser show the sources of scripts.
    SourceMaps,
    /// Pages for people at a terminal.
    Manuals,
}

impl Rule {
    /// What it leaves out, in words: `static libraries`.
    pub fn words(self) -> &'static str {
        match self {
            Self::StaticLibraries => "static libraries",
            Self::Headers => "C headers",
            Self::Tests => "tests of packages",
            Self::Caches => "bytecode that came with packages",
            Self::SourceMaps => "source maps",
            Self::Manuals => "manual pages",
        }
    }
}

/// Headers inside `site-packages` that only compilers of extensions read. Not here are those that
/// packages compile with while they run: `cupy`, `triton`, `torch`, `nvidia`.
const HEADERS: &[&str] = &[
    "numpy/core/include/",
    "numpy/_core/include/",
    "pyarrow/include/",
    "tensorflow/include/",
    "tensorflow_core/include/",
];

/// Headers that are read without compiling: sysconfig.get_config_vars() of older Pythons, and the
/// version of an interpreter, when the image becomes a base.
const READ: &[&str] = &["pyconfig.h", "patchlevel.h"];

/// Static libraries that are linked while a program runs: device code, by numba and cupy.
const LINKED: &[&str] = &["libcudadevrt.a"];

const MANUALS: &[&str] = &["share/man/", "share/doc/", "share/info/", "share/gtk-doc/", "man/"];

/// The rule that a path falls under; `has` is whether the package has a path.
pub(super) fn of(package: &str, path: &str, has: impl Fn(&str) -> bool) -> Option<Rule> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let any = |starts: &[&str]| starts.iter().any(|start| path.starts_with(start));
    if (name.ends_with(".a") || name.ends_with(".la")) && !LINKED.contains(&name) {
        return Some(Rule::StaticLibraries);
    }
    // What compiles for graphics cards while it runs reads CUDA's headers.
    if path.starts_with("include/") && !READ.contains(&name) && !package.starts_with("cuda") {
        return Some(Rule::Headers);
    }
    if in_site_packages(path)
        .is_some_and(|inside| HEADERS.iter().any(|folder| inside.starts_with(folder)))
    {
        return Some(Rule::Headers);
    }
    let bytecode = [".pyc", ".pyo"].iter().find_map(|end| path.strip_suffix(end));
    if let Some(stem) = bytecode
        // Without its source it is the module itself.
        && (path.contains("/__pycache__/") || has(&format!("{stem}.py")))
    {
        return Some(Rule::Caches);
    }
    if name.ends_with(".js.map") || name.ends_with(".css.map") {
        return Some(Rule::SourceMaps);
    }
    any(MANUALS).then_some(Rule::Manuals)
}

/// The part of a path below `site-packages`.
pub(super) fn in_site_packages(path: &str) -> Option<&str> {
    in_library(path)?.strip_prefix("site-packages/")
}

/// The part of a path below `lib/pythonX.Y`.
pub(super) fn in_library(path: &str) -> Option<&str> {
    Some(path.strip_prefix("lib/python")?.split_once('/')?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_while_programs_run_stays() {
        let rule = |package: &str, path: &str| of(package, path, |_| false);
        let site = |path: &str| format!("lib/python3.11/site-packages/{path}");
        assert_eq!(rule("numpy", &site("numpy/core/include/numpy/x.h")), Some(Rule::Headers));
        assert_eq!(rule("zlib", "include/zlib.h"), Some(Rule::Headers));
        assert_eq!(rule("cuda-cudart-dev", "include/cuda_fp16.h"), None);
        for path in [
            "cupy/_core/include/cupy/x.h",
            "triton/backends/nvidia/include/cuda.h",
            "nvidia/cuda_runtime/lib/libcudadevrt.a",
            "numpy/testing/__init__.py",
            "pandas/_testing/__init__.py",
        ] {
            assert_eq!(rule("a", &site(path)), None, "{path}");
        }
    }
}
