//! The tools that turn a source distribution into a wheel, pinned to exact releases.
//!
//! They write their own names and habits into the wheel (`Generator:` in WHEEL, the fields of
//! METADATA, the folder of licence files), so with the newest of the day a wheel would differ from day
//! to day, and with the newest for an interpreter from host to host. What still depends on the
//! host:
//!
//! - An interpreter older than [`MIN_UNIFORM_PYTHON`] takes older tools; it builds only where there is no
//!   newer one, or where the newer one failed.
//! - A build script sees the interpreter that runs it, and may pack other files for another one.
//! - Tools other than these two (flit, hatchling, Cython, ...) are the newest the index has, and so
//!   are these two where a source asks for releases that the pins are not among, or the index does
//!   not have the pinned ones.
//! - What a compiler makes is this machine's; it is only asked where the sources have something to
//!   compile, be it optional. It has no debug information and no path of the interpreter's folder (see `linker`), so
//!   that one compiler makes the same of the same sources.

/// The first Python that the newest pins run on: from here on all hosts build the same.
pub const MIN_UNIFORM_PYTHON: (u32, u32) = (3, 9);

/// The pins, as a constraints file: the last or nearly last releases for each of those Pythons.
pub const PINS: &str = "\
setuptools==80.9.0; python_version >= '3.9'
setuptools==75.3.2; python_version == '3.8'
setuptools==68.0.0; python_version == '3.7'
setuptools==59.6.0; python_version < '3.7'
wheel==0.45.1; python_version >= '3.8'
wheel==0.42.0; python_version == '3.7'
wheel==0.37.1; python_version < '3.7'
";

/// Tools that build scripts of their time ask for without a bound, and whose newer releases lack what those scripts call:
/// `pypandoc.convert` of pyspark before 3.0 (pypandoc, release notes of 1.8).
pub const OLD_TOOLS: &str = "pypandoc<1.8\n";

/// Changes with how the tools are called.
const FORM: u32 = 3;

/// What a wheel built by them is kept under.
pub fn key() -> String {
    format!("{FORM}\n{PINS}{OLD_TOOLS}")
}

/// Tools that `--exclude-newer` does not apply to: their old releases may not run on the interpreter
/// that builds.
pub const EXCLUDE_NEWER_EXEMPT: [&str; 10] = [
    "setuptools",
    "wheel",
    "setuptools-scm",
    "setuptools-git",
    "flit-core",
    "hatchling",
    "hatch-vcs",
    "meson-python",
    "pdm-backend",
    "poetry-core",
];

/// Whether a build that succeeded had extensions to compile: setuptools names each one, and scripts
/// that go on without say so.
pub(crate) fn skipped_extensions(log: &str) -> bool {
    log.lines().any(|line| {
        let named = line.trim_start().starts_with("building '") && line.ends_with("' extension");
        named || line.contains("extension") && line.contains("could not be compiled")
    })
}

/// Whether a build failed before it began, because its tools cannot be had with the pins.
pub fn clash(stderr: &str) -> bool {
    stderr.contains("Failed to resolve requirements from")
}
